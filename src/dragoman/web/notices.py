"""What a page says once something was done on another: by name, so that nothing but these can be put into one."""

from __future__ import annotations

from collections.abc import Mapping

NOTICES: Mapping[str, str] = {
    "signed-out": "You are signed out.",
    "saved": "Saved.",
    "password-changed": "Your password is changed.",
}
