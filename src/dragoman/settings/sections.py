"""What can be set: the tables of the configuration, each a frozen model whose fields describe themselves.

Secrets are pydantic's `SecretStr`, which no print-out shows.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

from dragoman.settings.values import (
    Authorities,
    BaseUrl,
    BindHost,
    DatabaseUrl,
    Endpoint,
    FilledSecret,
    HeaderName,
    HostName,
    Mailbox,
    MountPath,
    Networks,
    Origins,
    Printable,
    join_database_url,
    split_database_url,
)

HIDDEN = "********"
MEBIBYTE = 1024 * 1024
MOST_WORK_KIB = 4 * MEBIBYTE  # of one hash; more would be an attack on ourselves


class Section(BaseModel):
    """A table of settings: frozen, no unknown names, no guessing of types (`1` is neither `"1"` nor `true`)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class ServerSettings(Section):
    """Where and how requests are taken."""

    host: BindHost = Field(
        default="127.0.0.1", description="Address to listen on; 0.0.0.0 for every one of IPv4"
    )
    port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one")
    workers: int = Field(default=1, ge=1, le=64, description="Processes that serve")
    base_url: BaseUrl | None = Field(
        default=None, description="What browsers and apps call this server, such as https://id.example.org"
    )
    trusted_proxies: Networks = Field(
        default=(), description="Networks whose X-Forwarded-For and -Proto are believed"
    )
    max_body_bytes: int = Field(
        default=MEBIBYTE, ge=1024, le=64 * MEBIBYTE, description="Largest request body"
    )
    threads: int = Field(default=16, ge=1, le=256, description="Requests worked on at once that hash nothing")
    hash_threads: int | None = Field(
        default=None,
        ge=1,
        le=256,
        description="Passwords hashed at once; as many as there are cores if not set",
    )
    hash_queue: int = Field(
        default=64, ge=0, le=4096, description="Requests that may wait to hash; more get 503"
    )
    hash_wait_seconds: float = Field(
        default=2.0, gt=0, le=60, description="Longest expected wait to hash; beyond it 503 with Retry-After"
    )
    notice_seconds: int = Field(
        default=0,
        ge=0,
        le=300,
        description="How long a server that was told to stop serves on, while /readyz says no",
    )
    shutdown_seconds: int = Field(
        default=10, ge=0, le=300, description="How long a stop waits for open requests"
    )

    @field_validator("workers")
    @classmethod
    def _one_port_for_all(cls, workers: int, info: ValidationInfo) -> int:
        if workers > 1 and info.data.get("port") == 0:
            raise ValueError("must be 1 while server.port is 0: each worker would take a port of its own")
        return workers


class DatabaseSettings(Section):
    """Where facts are kept. `url` is a secret because it may hold a password; see the two ways to take it."""

    url: DatabaseUrl = Field(
        default=SecretStr("sqlite:///data/dragoman.db"),
        description="sqlite:///PATH or postgresql://USER@HOST/NAME",
    )
    password: FilledSecret | None = Field(default=None, description="PostgreSQL password, if not in the URL")
    wait_seconds: int = Field(
        default=30, ge=0, le=3600, description="How long a start waits for a database that does not answer"
    )

    @field_validator("password")
    @classmethod
    def _one_password(cls, password: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        url = info.data.get("url")
        if password is None or url is None:
            return password
        if url.get_secret_value().startswith("sqlite"):
            raise ValueError("must not be set: SQLite has no password")
        if split_database_url(url.get_secret_value())[1]:
            raise ValueError("must not be set while database.url has a password too")
        return password

    @property
    def patience(self) -> timedelta:
        """How long a start waits for the database."""
        return timedelta(seconds=self.wait_seconds)

    @property
    def connection_url(self) -> str:
        """The URL with its password, for the engine alone: `postgresql+psycopg://…` or `sqlite:///…`."""
        url = self.url.get_secret_value()
        return url if self.password is None else join_database_url(url, self.password.get_secret_value())

    @property
    def display_url(self) -> str:
        """The URL to print, with stars for a password."""
        start, password, rest = split_database_url(self.connection_url)
        return f"{start}:{HIDDEN}{rest}" if password else f"{start}{rest}"


class Argon2Settings(Section):
    """The cost of one Argon2id hash (RFC 9106); stored hashes follow at their account's next login."""

    memory_kib: int = Field(default=19456, ge=7168, le=MEBIBYTE, description="Memory of one hash, in KiB")
    passes: int = Field(default=2, ge=1, le=64, description="Passes over the memory")
    lanes: int = Field(default=1, ge=1, le=16, description="Lanes of the memory")

    @field_validator("passes")
    @classmethod
    def _is_affordable(cls, passes: int, info: ValidationInfo) -> int:
        if info.data.get("memory_kib", 0) * passes > MOST_WORK_KIB:
            raise ValueError(f"times memory_kib must be at most {MOST_WORK_KIB}")
        return passes


class PasswordSettings(Section):
    """What a new password must be, and how it is hashed."""

    policy: Literal["standard", "nist", "legacy"] = Field(
        default="standard", description="8 characters and not a common one; 15; or each product's own floor"
    )
    made: Literal["words", "characters"] = Field(
        default="words",
        description="What passwords that are made for people are: four made-up words, or 16 characters",
    )
    argon2: Argon2Settings = Field(default_factory=Argon2Settings)


class ThrottleSettings(Section):
    """How guessing is slowed down, per account and per address."""

    free_attempts: int = Field(
        default=10, ge=1, le=100, description="Failures of an account before delays begin"
    )
    first_delay_seconds: int = Field(
        default=1, ge=1, le=3600, description="First delay; each further one doubles"
    )
    longest_delay_seconds: int = Field(default=900, ge=1, le=86400, description="Where delays stop growing")
    # NIST SP 800-63B §3.2.2: no more than 100 consecutive failures.
    lock_after: int = Field(
        default=100, ge=1, le=100, description="Failures after which an account is locked"
    )
    address_free_attempts: int = Field(
        default=100,
        ge=1,
        le=1_000_000,
        description="Failures from an address (IPv6: its /64) before delays begin",
    )
    forget_after_hours: int = Field(default=24, ge=1, le=8760, description="When failures are forgotten")

    @field_validator("longest_delay_seconds")
    @classmethod
    def _delays_grow(cls, longest: int, info: ValidationInfo) -> int:
        if longest < info.data.get("first_delay_seconds", 0):
            raise ValueError("must not be less than throttle.first_delay_seconds")
        return longest

    @field_validator("lock_after")
    @classmethod
    def _delays_before_lock(cls, lock_after: int, info: ValidationInfo) -> int:
        if lock_after < info.data.get("free_attempts", 0):
            raise ValueError("must not be less than throttle.free_attempts")
        return lock_after


class SetupSettings(Section):
    """Whether a product's own set-up call may make the first administrator."""

    open: Literal["loopback", "always", "never"] = Field(
        default="loopback",
        description="Only from this machine and nothing configured that faces others; always is for tests",
    )
    window_minutes: int = Field(default=10, ge=1, le=1440, description="How long after start it may")


class FirstAdminSettings(Section):
    """The administrator to make at start, if no account was ever made."""

    email: Printable | None = Field(
        default=None, description="E-mail address; this or the username is needed"
    )
    username: Printable | None = Field(
        default=None, validate_default=True, description="Username; made from the e-mail if not set"
    )
    name: Printable | None = Field(default=None, description="Display name")
    password: FilledSecret = Field(description="Password; required if anything else here is set")

    @field_validator("email")
    @classmethod
    def _looks_like_an_address(cls, email: str | None) -> str | None:
        if email is not None and not all(email.partition("@")):
            raise ValueError("must be an e-mail address")
        return email

    @field_validator("username")
    @classmethod
    def _has_a_login_name(cls, username: str | None, info: ValidationInfo) -> str | None:
        if username is None and info.data.get("email", "") is None:
            raise ValueError("must be set, or first_admin.email")
        return username


class SecondFactorSettings(Section):
    """Whom a second factor is asked of, whatever they chose."""

    required_of: Literal["nobody", "administrators", "everybody"] = Field(
        default="nobody",
        description="Who must have a second factor, and show it at every sign-in by password",
    )
    passkeys_only: bool = Field(default=False, description="On the pages theirs must be a passkey")


class ImpersonationSettings(Section):
    """Administrators who act as somebody else."""

    minutes: int = Field(default=60, ge=1, le=1440, description="How long one may, at most")


class AuditSettings(Section):
    """The record of who did what."""

    retention_days: int = Field(default=365, ge=1, le=36500, description="How long audit records are kept")


class SweepSettings(Section):
    """The removal of what has expired."""

    every_seconds: int = Field(default=60, ge=1, le=86400, description="How often")
    batch: int = Field(default=1000, ge=1, le=100_000, description="Most rows removed in one unit of work")


class BackupSettings(Section):
    """What `dragoman backup` and `dragoman restore` need not ask for."""

    passphrase: FilledSecret | None = Field(
        default=None, description="What `dragoman backup --encrypt` encrypts by, and `restore` opens"
    )


class CheckSettings(Section):
    """The check that gateways ask before each request (docs/gateway.md)."""

    original_uri: HeaderName | None = Field(
        default=None,
        description="Header by which trusted proxies say what was asked for, such as X-Forwarded-Uri; "
        "its query may hold the credential",
    )
    unknown_per_second: int = Field(
        default=20,
        ge=1,
        le=10_000,
        description="Unknown credentials that an address (IPv6: its /64) may show; more get 429",
    )


class OutgoingSettings(Section):
    """Requests to other servers, such as a provider that people sign in with."""

    private_networks: Networks = Field(
        default=(), description="Networks that may be asked although they are not public; only there by http"
    )
    ca_file: Authorities | None = Field(
        default=None, description="Certificates (PEM) of further authorities whose servers are believed"
    )
    timeout_seconds: int = Field(default=10, ge=1, le=60, description="How long an answer may take")
    max_answer_bytes: int = Field(
        default=MEBIBYTE, ge=1024, le=64 * MEBIBYTE, description="Largest answer that is read"
    )
    threads: int = Field(default=4, ge=1, le=64, description="Requests worked on at once that ask others")


class MailSettings(Section):
    """The server that mail is handed to. Without one, mail is read by `dragoman outbox`."""

    host: HostName | None = Field(
        default=None, description="Mail server; mail waits in the outbox if not set"
    )
    port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Its port; 587, for implicit TLS 465, without TLS 25 if not set",
    )
    tls: Literal["starttls", "implicit", "none"] = Field(
        default="starttls", description="How the connection is encrypted; the certificate is verified"
    )
    ca_file: Printable | None = Field(
        default=None,
        description="PEM file of the authority that signed its certificate; the system's if not set",
    )
    sender: Mailbox | None = Field(
        default=None,
        validate_default=True,
        description='Who mail comes from, such as "Accounts <accounts@example.org>"',
    )
    username: Printable | None = Field(default=None, description="Name to sign in to it with")
    password: FilledSecret | None = Field(
        default=None, validate_default=True, description="Password to sign in to it with"
    )
    timeout_seconds: int = Field(
        default=20, ge=1, le=120, description="How long each of its answers may take"
    )

    @field_validator("sender")
    @classmethod
    def _comes_from_somebody(cls, sender: str | None, info: ValidationInfo) -> str | None:
        if sender is None and info.data.get("host") is not None:
            raise ValueError("must be set, since mail.host is")
        return sender

    @field_validator("password")
    @classmethod
    def _signs_in_encrypted(cls, password: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if (password is None) != (info.data.get("username") is None):
            raise ValueError("must be set exactly when mail.username is")
        if password is not None and info.data.get("tls") == "none":
            raise ValueError('must not be set while mail.tls is "none": everybody on the way could read it')
        return password


class PageSettings(Section):
    """The pages for people: sign-in, account, administration."""

    idle_hours: int = Field(
        default=12, ge=1, le=8760, description="When who does nothing is signed out of them"
    )
    absolute_days: int = Field(default=30, ge=1, le=3650, description="When everybody is")
    trusted_origins: Origins = Field(
        default=(), description="Origins beside the server's own whose pages may post, such as a LAN address"
    )


class MetricsSettings(Section):
    """What Prometheus reads."""

    enabled: bool = Field(default=True, description="Whether /metrics is served")
    networks: Networks = Field(
        default=(), description="Networks that may read it, past any proxy, besides this machine itself"
    )
    token: FilledSecret | None = Field(
        default=None, description="Bearer token that it is for; from then on nobody reads it without"
    )


class TracesSettings(Section):
    """What OpenTelemetry is told of requests. Needs `dragoman[otel]`."""

    endpoint: Endpoint | None = Field(
        default=None,
        description="Where spans are sent, by OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces",
    )
    share: float = Field(
        default=1.0, ge=0, le=1, description="Share of requests traced, of those that no proxy decides about"
    )


class LogSettings(Section):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level logged"
    )
    format: Literal["auto", "console", "json"] = Field(
        default="auto", description="Lines for people, JSON, or whichever suits the terminal or file"
    )


class DialectSettings(Section):
    """What every dialect can be told. A dialect with more to say has a model that adds its own fields.

    Its fields are ints, floats, bools, Literals, str, SecretStr or further `Section`s, each with a
    description; a length of time is a number with its unit in the name. `load` fills in `path`. All but secrets
    and sections can be chosen on the pages as well, `only_configured` aside.
    """

    only_configured: ClassVar[AbstractSet[str]] = frozenset()

    enabled: bool = Field(default=True, description="Whether the dialect is served")
    path: MountPath = Field(description="Path prefix under which it is served; /<name> if not set")
    host: HostName | None = Field(default=None, description="Host name that serves this dialect alone")
    check_permission: Printable | None = Field(
        default=None,
        description="Permission with which limited keys and visitors of links pass the check of gateways, too",
    )
