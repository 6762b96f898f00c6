"""From settings to the core: its database, its tools, its rules, and the administrator that they name."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from dragoman import migrations
from dragoman.core import passwords, policy, sealing, setup
from dragoman.core.accounts import NewAccount
from dragoman.core.database import Database
from dragoman.core.errors import SetupDone
from dragoman.core.rules import Lifetime, Rules, ThrottleRule
from dragoman.core.secrets import Secret
from dragoman.core.work import Core, Origin, Tools
from dragoman.dialects import discover
from dragoman.lanes import CHECKING, HASHES_AHEAD
from dragoman.outgoing import OutgoingHttp
from dragoman.waiting import await_database
from dragoman.web import reset

if TYPE_CHECKING:
    from dragoman.core.mail import Mailer
    from dragoman.core.web import Web
    from dragoman.settings import DialectSettings, Settings

# RFC 6409, RFC 8314 §3.3, RFC 5321.
MAIL_PORTS = {"starttls": 587, "implicit": 465, "none": 25}
PAGES = "web"  # what sessions of the pages belong to, where others belong to a dialect
BESIDE = 4  # connections of threads that answer nobody: sweeper, courier, switchboard, and one to spare
AT_ONCE = timedelta(0)


def dialect_models() -> Mapping[str, type[DialectSettings]]:
    """The settings model of every dialect there is."""
    return {dialect.name: dialect.settings for dialect in discover()}


def make_core(settings: Settings, tools: Tools | None = None, *, patience: timedelta = AT_ONCE) -> Core:
    """The core on its database, whose schema is brought up to date. Raises what makes a start impossible.

    `patience` is how long to wait for a database that does not answer yet.
    """
    hashing = settings.server.hash_threads
    argon2 = settings.passwords.argon2
    hasher = passwords.Hasher(
        memory_kib=argon2.memory_kib, passes=argon2.passes, lanes=argon2.lanes, at_once=hashing
    )
    tools = tools or Tools(hasher, web=make_web(settings), mailer=make_mailer(settings))
    connections = (
        settings.server.threads + settings.outgoing.threads + HASHES_AHEAD * tools.hasher.at_once + BESIDE
    )
    with ExitStack() as given_up:
        database = Database(settings.database.connection_url, connections=connections, glances=CHECKING)
        given_up.callback(database.dispose)
        await_database(database, patience)
        migrations.bring_up(database)
        configured = settings.master_key.get_secret_value() if settings.master_key else None
        sealer = sealing.Sealer(sealing.load_master_keys(configured, database))
        core = Core(database, replace(tools, sealer=sealer), make_rules(settings))
        sealing.ensure_data_key(core, Origin("start"), sealer)
        if settings.first_admin is not None:
            make_first_admin(core, settings)
        given_up.pop_all()
    return core


def make_web(settings: Settings) -> Web:
    """The way out to other servers."""
    outgoing = settings.outgoing
    return OutgoingHttp(
        outgoing.private_networks, outgoing.timeout_seconds, outgoing.max_answer_bytes, outgoing.ca_file
    )


def make_mailer(settings: Settings) -> Mailer | None:
    """The way to the mail server, if one is configured."""
    mail = settings.mail
    if mail.host is None or mail.sender is None:
        return None
    from dragoman.mailing import SmtpMailer  # noqa: PLC0415 - 20 ms of a start that may send nothing

    return SmtpMailer(
        mail.host,
        mail.port or MAIL_PORTS[mail.tls],
        mail.sender,
        mail.tls,
        mail.username,
        None if mail.password is None else mail.password.get_secret_value(),
        mail.ca_file,
        mail.timeout_seconds,
    )


def make_rules(settings: Settings) -> Rules:
    """The rules that the core decides by, from settings."""
    throttle = settings.throttle
    told = [(d, settings.dialects[d.name]) for d in discover() if d.name in settings.dialects]
    return Rules(
        policy=policy.POLICIES[settings.passwords.policy],
        throttle=ThrottleRule(
            free=throttle.free_attempts,
            address_free=throttle.address_free_attempts,
            first=timedelta(seconds=throttle.first_delay_seconds),
            longest=timedelta(seconds=throttle.longest_delay_seconds),
            lock_after=throttle.lock_after,
            forget=timedelta(hours=throttle.forget_after_hours),
        ),
        lifetimes={PAGES: page_lifetime(settings), **{d.name: d.lifetime(own) for d, own in told}},
        floors={dialect.name: dialect.password_floor(own) for dialect, own in told},
        products={dialect.name: dialect.product for dialect, _ in told},
        second_factor_of=settings.second_factor.required_of,
        passkeys_only=settings.second_factor.passkeys_only,
        impersonation_lasts=timedelta(minutes=settings.impersonation.minutes),
        audit_retention=timedelta(days=settings.audit.retention_days),
        made_passwords=settings.passwords.made,
        root=settings.root_at(settings.server.port),
        reset_link=f"{settings.root_at(settings.server.port)}{reset.PATH}?token=",
    )


def page_lifetime(settings: Settings) -> Lifetime:
    """How long who signs in to the pages stays so. A new password signs everybody out."""
    idle, absolute = timedelta(hours=settings.pages.idle_hours), timedelta(days=settings.pages.absolute_days)
    return Lifetime(idle=idle, absolute=absolute, ends_with_password=True)


def make_first_admin(core: Core, settings: Settings) -> None:
    """The administrator that the configuration names, unless an account was ever made."""
    first = settings.first_admin
    if first is None:
        return
    new = NewAccount(email=first.email, username=first.username, display_name=first.name, is_admin=True)
    password = Secret(first.password.get_secret_value())
    try:
        setup.create_first_admin(core, Origin("configuration"), new, password, open_to_caller=True)
    except SetupDone:
        return
