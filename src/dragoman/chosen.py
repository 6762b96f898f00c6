"""How dialects are served: as the configuration says, and where it says nothing, as was chosen on the pages."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from dragoman.network import host_name
from dragoman.settings import DialectSettings
from dragoman.settings.fields import Known, settings_of

if TYPE_CHECKING:
    from dragoman.core.dialect_choices import Choice

WHERE = ("enabled", "host", "path")  # what a choice says of every dialect


def is_fixed(own: DialectSettings, field: str) -> bool:
    """Whether the configuration says this of a dialect, so that nothing else can be chosen."""
    return field in own.model_fields_set


def choosable(own: DialectSettings) -> Sequence[Known]:
    """The settings of a dialect that can be chosen besides whether and where it is served, its own first."""
    found = [
        known
        for known in settings_of(type(own))
        if len(known.path) == 1
        and known.name not in own.only_configured
        and known.name not in WHERE
        and not known.secret
    ]
    return sorted(found, key=lambda known: known.name in DialectSettings.model_fields)


def laid_over(own: DialectSettings, values: Mapping[str, Any]) -> DialectSettings:
    """A dialect's settings with other values, as valid as the configuration's. Raises `ValidationError`."""
    return type(own).model_validate({**dict(own), **values})


def in_force(
    configured: Mapping[str, DialectSettings], chosen: Mapping[str, Choice], root: str
) -> Mapping[str, DialectSettings]:
    """The settings of every dialect as they are in force, on a server whose address is `root`."""
    return {
        name: _chosen_for(own, chosen[name], _of_others(configured, name, root)) if name in chosen else own
        for name, own in configured.items()
    }


def fixed_hosts(configured: Mapping[str, DialectSettings], root: str) -> Collection[str]:
    """Host names that nothing can be chosen to be served at: the server's own, and those that are configured."""
    hosts = {each.host for each in configured.values()}
    return {host for host in (*hosts, host_name([root.partition("://")[2]])) if host is not None}


def paths_of_others(configured: Mapping[str, DialectSettings], name: str) -> Collection[str]:
    """Paths that others have where nothing is chosen for them, so that they can always have them back."""
    return {own.path for other, own in configured.items() if other != name}


def _of_others(configured: Mapping[str, DialectSettings], name: str, root: str) -> Collection[str]:
    return {*fixed_hosts(configured, root), *paths_of_others(configured, name)}


def _chosen_for(own: DialectSettings, choice: Choice, of_others: Collection[str]) -> DialectSettings:
    offered = {known.name for known in choosable(own)}
    values: dict[str, Any] = {name: value for name, value in choice.settings.items() if name in offered}
    values["enabled"] = choice.enabled
    # The configuration may have come to say that these are another's since.
    if choice.host not in of_others:
        values["host"] = choice.host
    if choice.path is not None and choice.path not in of_others:
        values["path"] = choice.path
    return _valid(own, {name: value for name, value in values.items() if not is_fixed(own, name)})


def _valid(own: DialectSettings, values: Mapping[str, Any]) -> DialectSettings:
    """Laid over, but for what another release of this program took, and this one does not."""
    try:
        return laid_over(own, values)
    except ValidationError as error:
        wrong = {problem["loc"][0] for problem in error.errors()}
        return laid_over(own, {name: value for name, value in values.items() if name not in wrong})
