"""Handlers of `/users`, and how an account looks to Portainer (contract §2.8, §3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dragoman.core import account_lists, accounts, password_change, session_ends, setup
from dragoman.core.accounts import Account, Changes, NewAccount
from dragoman.core.errors import NotFound, PasswordRefused, Reason
from dragoman.core.secrets import Secret
from dragoman.dialects.portainer.refusals import (
    InitialAdmin,
    NameDenied,
    NoAdmin,
    NotTheirs,
    OwnAccount,
    RoleDenied,
)
from dragoman.dialects.portainer.wire import PortainerApi
from dragoman.dialects.portainer.wire.users import (
    ADMINISTRATOR,
    STANDARD,
    OfUser,
    PortainerCurrentUser,
    PortainerListedUser,
    PortainerListedUsers,
    PortainerTeamMembership,
    PortainerTeamMemberships,
    PortainerUser,
    PortainerUserThemeSettings,
    UsersAdminInitPayload,
    UsersUserCreatePayload,
    UsersUserUpdatePasswordPayload,
    UsersUserUpdatePayload,
)
from dragoman.handlers import Call, serve, serve_hashing
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.sessions import Session
    from dragoman.core.work import Core, UnitOfWork

INITIAL_ADMIN = 1
OWN = "portainer"  # the account's facts that mean something to Portainer alone


def username_of(account: Account) -> str:
    """Portainer keeps usernames in lower case."""
    return account.username.lower()


def role_of(account: Account) -> int:
    return ADMINISTRATOR if account.is_admin else STANDARD


def facts_of(account: Account) -> dict[str, Any]:
    """How an account looks to Portainer."""
    own, changed = account.attributes.get(OWN, {}), account.password_changed_at
    was_changed = changed is not None and changed > account.created_at
    return {
        "id": account.number,
        "username": username_of(account),
        "role": role_of(account),
        "token_issue_at": int(changed.timestamp()) if changed is not None and was_changed else 0,
        "theme_settings": PortainerUserThemeSettings(color=own.get("color", "")),
        "use_cache": own.get("useCache", False),
    }


def user(account: Account) -> PortainerUser:
    return PortainerUser(**facts_of(account))


def must_change(account: Account, session: Session | None) -> bool:
    """Whether whoever is signed in should change their password: it is too short, or somebody said so (§2.1)."""
    was_short = session is not None and bool(session.attributes.get("forceChangePassword"))
    return account.must_change_password or was_short


def is_short(call: Call, password: str) -> bool:
    """Whether a password has fewer bytes than a new one must have (§2.1, §2.8)."""
    least: int = call.settings.required_password_length
    return len(password.encode("utf-8", "surrogatepass")) < least


def require_long(call: Call, password: str) -> Secret:
    """A new password that is long enough for Portainer. Refuses `PasswordRefused`; the policy comes on top."""
    if is_short(call, password):
        least = call.settings.required_password_length
        raise PasswordRefused([Reason("too_short", f"Use at least {least} bytes", least)])
    return Secret(password)


def get_account(uow: UnitOfWork, number: int) -> Account:
    """The account with this number. Refuses `NotFound`."""
    found = accounts.find_by_number(uow, number)
    if found is None or found.deleted_at is not None:
        raise NotFound("account")
    return found


def require_own(call: Call, number: int) -> None:
    """Refuses `NotTheirs` to all but the user and administrators."""
    account = call.caller.account
    if account.number != number and not account.is_admin:
        raise NotTheirs


def user_admin_check(uow: UnitOfWork, _call: Call, _ask: Nothing) -> Nothing:
    if not accounts.has_admin(uow):
        raise NoAdmin
    return Nothing()


def user_admin_init(core: Core, call: Call, ask: UsersAdminInitPayload) -> PortainerUser:
    with core.begin(call.origin, writes=False) as uow:
        setup.require_open(uow, open_to_caller=call.exchange.setup_open)
    password = require_long(call, ask.password)
    new = NewAccount(username=ask.username.lower(), is_admin=True)
    return user(
        setup.create_first_admin(core, call.origin, new, password, open_to_caller=call.exchange.setup_open)
    )


def current_user_inspect(_uow: UnitOfWork, call: Call, _ask: Nothing) -> PortainerCurrentUser:
    caller = call.caller
    change = must_change(caller.account, caller.session)
    return PortainerCurrentUser(**facts_of(caller.account), force_change_password=change)


def user_list(uow: UnitOfWork, _call: Call, _ask: Nothing) -> PortainerListedUsers:
    everybody = account_lists.everybody(uow)
    return PortainerListedUsers(
        [PortainerListedUser(id=a.number, username=username_of(a), role=role_of(a)) for a in everybody]
    )


def user_create(core: Core, call: Call, ask: UsersUserCreatePayload) -> PortainerUser:
    """Who signs in through a provider needs no password, and none is stored (§2.7)."""
    if ask.role == ADMINISTRATOR:
        # A key must not make itself a way to what only a signed-in administrator may.
        call.caller.require_session()
    has_password = call.settings.authentication_method == "internal"
    password = require_long(call, ask.password) if has_password else None
    new = NewAccount(username=ask.username.lower(), is_admin=ask.role == ADMINISTRATOR)
    return user(setup.create_account(core, call.origin, new, password, by=call.caller))


def user_inspect(uow: UnitOfWork, call: Call, ask: OfUser) -> PortainerUser:
    require_own(call, ask.id)
    return user(get_account(uow, ask.id))


def user_update(core: Core, call: Call, ask: UsersUserUpdatePayload) -> PortainerUser:
    """Administrators change everything of everybody; others what is theirs, proving the password for a new one."""
    require_own(call, ask.id)
    is_admin = call.caller.account.is_admin
    if ask.role and not is_admin:
        raise RoleDenied
    with core.begin(call.origin, writes=False) as uow:
        account = get_account(uow, ask.id)
    changes = changes_in(ask, account)
    if changes.username is not None and not is_admin:
        raise NameDenied
    new = require_long(call, ask.new_password) if ask.new_password else None

    def also(uow: UnitOfWork, number: int) -> None:
        if new is not None or ask.role:
            session_ends.end_all(uow, number, dialects=[uow.origin.dialect])

    if new is None or is_admin:
        return user(
            password_change.change_account(
                core, call.origin, call.caller, account, changes, password=new, also=also
            )
        )
    return user(change_with_proof(core, call, account, old=Secret(ask.password), new=new, changes=changes))


def changes_in(ask: UsersUserUpdatePayload, account: Account) -> Changes:
    """What of an account is to change: what is given and is another."""
    facts: dict[str, Any] = {}
    if ask.theme is not None:
        facts["color"] = ask.theme.color
    if ask.use_cache is not None:
        facts["useCache"] = ask.use_cache
    name = ask.username.lower()
    return Changes(
        username=name if name and name != username_of(account) else None,
        is_admin=ask.role == ADMINISTRATOR if ask.role else None,
        attributes={OWN: facts} if facts else {},
    )


def change_with_proof(
    core: Core, call: Call, account: Account, *, old: Secret, new: Secret, changes: Changes
) -> Account:
    """Change an account and its password, proving the old one. Portainer's sessions of it end (§2.1)."""
    changed = account

    def also(uow: UnitOfWork, number: int) -> None:
        nonlocal changed
        changed = accounts.change(uow, number, changes, by=call.caller)
        session_ends.end_all(uow, number, dialects=[uow.origin.dialect])

    password_change.change_password(core, call.origin, call.caller, old, new, of=account, also=also)
    return changed


def user_delete(uow: UnitOfWork, call: Call, ask: OfUser) -> Nothing:
    """For good, with all that the user owns in any product: the name is free again."""
    account = get_account(uow, ask.id)
    if account.number == INITIAL_ADMIN:
        raise InitialAdmin
    if account.number == call.caller.account.number:
        raise OwnAccount
    accounts.purge(uow, account.number, by=call.caller)
    return Nothing()


def user_update_password(core: Core, call: Call, ask: UsersUserUpdatePasswordPayload) -> Nothing:
    """Administrators, too, give the present password of whose they change (§2.8)."""
    require_own(call, ask.id)
    with core.begin(call.origin, writes=False) as uow:
        account = get_account(uow, ask.id)
    new = require_long(call, ask.new_password)
    change_with_proof(core, call, account, old=Secret(ask.password), new=new, changes=Changes())
    return Nothing()


def user_memberships_inspect(uow: UnitOfWork, call: Call, ask: OfUser) -> PortainerTeamMemberships:
    """The team that a provider's users are put into (§2.9); there are no others."""
    require_own(call, ask.id)
    account = get_account(uow, ask.id)
    team = account.attributes.get(OWN, {}).get("teamId")
    if not team:
        return PortainerTeamMemberships([])
    number = account.number
    return PortainerTeamMemberships(
        [PortainerTeamMembership(id=number, user_id=number, team_id=team, role=STANDARD)]
    )


BOUND = (
    serve(PortainerApi.user_admin_check, user_admin_check),
    serve_hashing(PortainerApi.user_admin_init, user_admin_init),
    serve(PortainerApi.current_user_inspect, current_user_inspect),
    serve(PortainerApi.user_list, user_list),
    serve_hashing(PortainerApi.user_create, user_create),
    serve(PortainerApi.user_inspect, user_inspect),
    serve_hashing(PortainerApi.user_update, user_update),
    serve(PortainerApi.user_delete, user_delete),
    serve_hashing(PortainerApi.user_update_password, user_update_password),
    serve(PortainerApi.user_memberships_inspect, user_memberships_inspect),
)
