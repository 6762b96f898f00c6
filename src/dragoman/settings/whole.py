"""The whole configuration: every section, and what follows from several of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any

from pydantic import BaseModel, Field, SecretStr

from dragoman.network import parse_address
from dragoman.settings.sections import (
    HIDDEN,
    AuditSettings,
    BackupSettings,
    CheckSettings,
    DatabaseSettings,
    DialectSettings,
    FirstAdminSettings,
    ImpersonationSettings,
    LogSettings,
    MailSettings,
    MetricsSettings,
    OutgoingSettings,
    PageSettings,
    PasswordSettings,
    SecondFactorSettings,
    Section,
    ServerSettings,
    SetupSettings,
    SweepSettings,
    ThrottleSettings,
    TracesSettings,
)
from dragoman.settings.values import MasterKey

WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what they stand for, not what we bind


class Settings(Section):
    """The whole configuration. Made by `load`, which names the place of every mistake."""

    server: ServerSettings = Field(default_factory=ServerSettings)
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    master_key: MasterKey | None = Field(
        default=None, description="Base64 keys of 32 bytes that wrap the data keys: the first seals, all open"
    )
    passwords: PasswordSettings = Field(default_factory=PasswordSettings)
    throttle: ThrottleSettings = Field(default_factory=ThrottleSettings)
    setup: SetupSettings = Field(default_factory=SetupSettings)
    first_admin: FirstAdminSettings | None = None
    second_factor: SecondFactorSettings = Field(default_factory=SecondFactorSettings)
    impersonation: ImpersonationSettings = Field(default_factory=ImpersonationSettings)
    audit: AuditSettings = Field(default_factory=AuditSettings)
    sweep: SweepSettings = Field(default_factory=SweepSettings)
    backup: BackupSettings = Field(default_factory=BackupSettings)
    check: CheckSettings = Field(default_factory=CheckSettings)
    outgoing: OutgoingSettings = Field(default_factory=OutgoingSettings)
    mail: MailSettings = Field(default_factory=MailSettings)
    pages: PageSettings = Field(default_factory=PageSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    metrics: MetricsSettings = Field(default_factory=MetricsSettings)
    traces: TracesSettings = Field(default_factory=TracesSettings)
    dialects: Mapping[str, DialectSettings] = Field(default_factory=dict)

    @property
    def loopback_only(self) -> bool:
        """Whether nothing but this machine can connect."""
        address = parse_address(self.server.host)
        return self.server.host == "localhost" if address is None else address.is_loopback

    def root_at(self, port: int) -> str:
        """The server's address as its clients call it: the base URL, else where it listens, at this port."""
        if self.server.base_url is not None:
            return self.server.base_url
        host = WILDCARDS.get(self.server.host, self.server.host)
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}{'' if port == 80 else f':{port}'}"

    def to_public_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it, secrets as stars."""
        public = {name: _public(value) for name, value in self}
        public["database"]["url"] = self.database.display_url
        return public


def _public(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return {name: _public(each) for name, each in value}
    if isinstance(value, Mapping):
        return {name: _public(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_public(each) for each in value]
    if isinstance(value, SecretStr):
        return HIDDEN
    return value if isinstance(value, bool | int | float | NoneType) else str(value)
