"""What ELEMENTS' document says of an operation beside its shapes: whom it is open to (contract §8)."""

from __future__ import annotations

from dragoman.wire import Described

ALLOW_ANY = "<class 'rest_framework.permissions.AllowAny'>"
AUTHENTICATED = "Authenticated user"
ADMIN = "system:admin-access"  # the permission that makes an administrator
ADMINISTRATOR = f"User account permission: `{ADMIN}`"
SCHEME = "Bearer"


def described(permission: str) -> Described:
    """An operation that needs this. All are documented alike: bodies are `data`, and any may show a credential."""
    return Described(
        description=f"### Required permissions\n\n  * {permission}\n",
        body_name="data",
        secured_by=(SCHEME,),
        void={"type": "object"},
    )
