"""What is wrong with an ask, as stock clients that look at it before the server does are told (contract §0.2, §5.2).

The SDK sends whatever it is given; immichpy sends what its models of the release let pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from tests.contract.immich.stock.clients import speaking
from tests.contract.immich.stock.households import Household
from tests.fakes import PASSWORD

COMMON = "newPassword must not be one of the most common passwords"
NOBODY = {"email": "nobody", "password": ""}
# An operation and its arguments, the sentences before 3.0, and the issues since.
MALFORMED: Mapping[str, tuple[Mapping[str, Any], list[str], Sequence[Mapping[str, Any]]]] = {
    "login": (
        {"loginCredentialDto": {}},
        [
            "email should not be empty",
            "email must be an email",
            "password should not be empty",
            "password must be a string",
        ],
        [
            {
                "expected": "string",
                "code": "invalid_type",
                "path": [field],
                "message": f"Invalid input: expected {kind}, received undefined",
            }
            for field, kind in (("email", "email"), ("password", "string"))
        ],
    ),
    "setupPinCode": (
        {"pinCodeSetupDto": {"pinCode": "12345"}},
        ["pinCode must be a 6-digit numeric string"],
        [
            {
                "origin": "string",
                "code": "invalid_format",
                "format": "regex",
                "pattern": r"/^\d{6}$/",
                "path": ["pinCode"],
                "message": r"Invalid string: must match pattern /^\d{6}$/",
            }
        ],
    ),
    "createSession": (
        {"sessionCreateDto": {"duration": 0}},
        ["duration must be a positive number"],
        [
            {
                "origin": "number",
                "code": "too_small",
                "minimum": 1,
                "inclusive": True,
                "path": ["duration"],
                "message": "Too small: expected number to be >=1",
            }
        ],
    ),
    "createApiKey": (
        {"apiKeyCreateDto": {"name": "k", "permissions": []}},
        ["permissions must contain at least 1 elements"],
        [
            {
                "origin": "array",
                "code": "too_small",
                "minimum": 1,
                "inclusive": True,
                "path": ["permissions"],
                "message": "Too small: expected array to have >=1 items",
            }
        ],
    ),
}


@pytest.mark.parametrize("operation", MALFORMED)
@pytest.mark.parametrize("household", speaking("1.134"), indirect=True)
def test_sentences_say_what_is_wrong(household: Household, operation: str) -> None:
    """Before 3.0 the SDK's error carries a list of sentences, each rule's of each field in its place."""
    arguments, sentences, _ = MALFORMED[operation]
    with household.refused(400, sentences):
        getattr(household.somebody, operation)(**arguments)


@pytest.mark.parametrize("operation", MALFORMED)
@pytest.mark.parametrize("household", ["sdk-3.2.2"], indirect=True)
def test_issues_say_what_is_wrong(household: Household, operation: str) -> None:
    """Since 3.0 it carries an issue for each field."""
    arguments, _, issues = MALFORMED[operation]
    with household.refused(400, "Validation failed", errors=issues):
        getattr(household.somebody, operation)(**arguments)


@pytest.mark.parametrize("household", ["immichpy-4.2.3"], indirect=True)
def test_a_client_without_patterns_is_told(household: Household) -> None:
    """The models of 2.7 know no patterns, so that what is no address, and no PIN, gets as far as the server."""
    with household.refused(400, ["email must be an email", "password should not be empty"]):
        household.anyone.login(loginCredentialDto=NOBODY)
    with household.refused(400, ["pinCode must be a 6-digit numeric string"]):
        household.somebody.setupPinCode(pinCodeSetupDto={"pinCode": "12345"})


def test_a_common_password_is_refused_as_malformed(household: Household) -> None:
    """What our own policy has against a password is said as validation is, which every client shows its user."""
    asked = {"password": PASSWORD, "newPassword": "password123"}
    issue = {"code": "custom", "path": ["newPassword"], "message": COMMON}
    message, beside = (
        ("Validation failed", {"errors": [issue]}) if household.release == "3.2" else ([COMMON], {})
    )
    with household.refused(400, message, **beside):
        household.person().me.changePassword(changePasswordDto=asked)
