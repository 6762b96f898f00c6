"""How dialects are served: as the configuration says, and where it says nothing, as was chosen on the pages."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from dragoman.network import host_name

if TYPE_CHECKING:
    from dragoman.core.dialect_choices import Choice
    from dragoman.settings import DialectSettings


def is_fixed(own: DialectSettings, field: str) -> bool:
    """Whether the configuration says this of a dialect, so that nothing else can be chosen."""
    return field in own.model_fields_set


def in_force(
    configured: Mapping[str, DialectSettings], chosen: Mapping[str, Choice], root: str
) -> Mapping[str, DialectSettings]:
    """The settings of every dialect as they are in force, on a server whose address is `root`."""
    fixed = fixed_hosts(configured, root)
    return {
        name: own.model_copy(update=_update(own, chosen[name], fixed)) if name in chosen else own
        for name, own in configured.items()
    }


def fixed_hosts(configured: Mapping[str, DialectSettings], root: str) -> Collection[str]:
    """Host names that nothing can be chosen to be served at: the server's own, and those that are configured."""
    hosts = {each.host for each in configured.values()}
    return {host for host in (*hosts, host_name([root.partition("://")[2]])) if host is not None}


def _update(own: DialectSettings, choice: Choice, fixed: Collection[str]) -> Mapping[str, Any]:
    update: dict[str, Any] = {"enabled": choice.enabled}
    # The configuration may have come to name it since.
    if choice.host not in fixed:
        update["host"] = choice.host
    return {field: value for field, value in update.items() if not is_fixed(own, field)}
