"""The password policy: which passwords may be used under which profile, and why not."""

from __future__ import annotations

import random
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.core.errors import PasswordRefused, Reason
from dragoman.core.policy import POLICIES, Policy, check, common_passwords, require

STANDARD, NIST, LEGACY = POLICIES["standard"], POLICIES["nist"], POLICIES["legacy"]
NAMES = ("alice", "alice.smith@example.org", "Alice Smith")


def codes(password: str, policy: Policy = STANDARD, **facts: object) -> list[str]:
    """The codes of the reasons against `password`, in order."""
    return [reason.code for reason in check(password, policy=policy, **facts)]  # type: ignore[arg-type]


def lasting(password: str, policy: Policy) -> float:
    """Seconds that a check takes: the least of three tries, since others use this machine, too."""
    tries = []
    for _ in range(3):
        start = time.thread_time()
        check(password, policy=policy, names=("dragoman" * 30, "1" * 250, *NAMES))
        tries.append(time.thread_time() - start)
    return min(tries)


# --- length ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "least"),
    [(STANDARD, 8), (NIST, 15), (LEGACY, 1)],
)
def test_P_01_each_profile_has_its_least_length(policy: Policy, least: int) -> None:
    """One character fewer than the profile's least is refused with that number, the least itself is not."""
    enough = "zqxjvkwbpfygmuc"[:least]
    assert check(enough, policy=policy) == ()
    refused = check(enough[1:], policy=policy)
    assert [(reason.code, reason.limit) for reason in refused] == [("too_short", least)]


def test_length_counts_code_points_after_nfc() -> None:
    """A letter and its accent are one character, however they were typed; so is a flower, and no byte more."""
    assert codes("e\u0301" * 7) == ["too_short"]
    assert codes("e\u0301" * 8) == []
    assert codes("🌼🌻🌼🌹🌼🌻🌷") == ["too_short"]
    assert codes("🌼🌻🌼🌹🌼🌻🌷🌼") == []


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_an_empty_password_is_never_allowed(policy: Policy) -> None:
    """No profile and no product's floor lets an empty password through."""
    assert codes("", policy, floor=0) == ["too_short"]


def test_legacy_has_the_products_own_floor() -> None:
    """Under `legacy` the product that asks says how short a password may be, and nothing else is refused."""
    assert codes("x" * 11, LEGACY, floor=12) == ["too_short"]
    assert codes("x" * 12, LEGACY, floor=12) == []
    for guessable in ("password", "alice", "dragoman", "a"):
        assert codes(guessable, LEGACY, names=NAMES) == []


def test_one_policy_for_all_products() -> None:
    """Under every other profile a product's floor counts for nothing: the operator's number holds."""
    assert codes("zqxjvkwb", STANDARD, floor=12) == []
    assert codes("zqxjvk", STANDARD, floor=4) == ["too_short"]


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_too_long_is_a_reason_of_every_profile(policy: Policy) -> None:
    """4096 bytes are accepted, one more is refused with that number, a megabyte in far less than 50 ms."""
    assert codes("é" * 2048, policy) == []
    start = time.thread_time()
    for password in ("é" * 2048 + "x", "x" * (1 << 20)):
        assert [(r.code, r.limit) for r in check(password, policy=policy, names=NAMES)] == [
            ("too_long", 4096)
        ]
    assert time.thread_time() - start < 0.05


# --- text -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("password", ["long enough \ud83d", "long \0 enough"])
def test_what_is_no_text_is_refused(policy: Policy, password: str) -> None:
    """A lone surrogate cannot be stored and NUL ends a string in other programs: neither may be used."""
    assert codes(password * 2, policy) == ["not_text"]


@pytest.mark.parametrize(
    "password",
    [
        "a phrase of lower case",
        "пароль из многих слов",
        "パスワードは長い文です",
        "tab\tand newline\n",
        "        9        ",
        "ALLUPPERCASELETTERS",
        "84629175036284",
        "~!@#$%^&*()_+{}|",
    ],
)
def test_P_04_no_rules_of_composition(password: str) -> None:
    """Any text will do that is long enough: no kind of character is demanded and none but NUL forbidden."""
    assert codes(password, names=NAMES) == []


# --- common passwords -----------------------------------------------------------------------------------


def test_the_list_holds_the_most_common_of_both_counts() -> None:
    """The shipped list has the 10 000 most common of each of two counts, in the form in which one looks."""
    words = common_passwords()
    assert len(words) == 14862
    assert {"123456", "password", "qwerty123", "iloveyou1", "zag12wsx", "trustno1"} <= words.keys()
    assert all(word == word.casefold().strip() and word for word in words)


@pytest.mark.parametrize("policy", [STANDARD, NIST], ids=["standard", "nist"])
def test_P_02_every_common_password_is_refused(policy: Policy) -> None:
    """Each one on the list is refused for being common, however long it is and however it is written."""
    for word in common_passwords():
        assert "too_common" in codes(word, policy)
        assert "too_common" in codes(word.title(), policy)


@pytest.mark.parametrize(
    "password",
    [
        "PASSWORD",
        "PassWord1234",
        "password1234567",  # 15 characters, and still the same guess
        "password!!!!!!!",
        "!!!password!!!",
        "123password",
        "trustno1!!",  # the list has it with its digit
        "1q2w3e4r!",  # and this with the one at its beginning
        "1q2w3e4r..",
        "12345678!",
        "(123456789)",
        "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44",  # full-width letters
    ],
)
def test_P_02_a_common_password_in_disguise_is_common(password: str) -> None:
    """Digits and punctuation around a common password, and its case, do not make it another."""
    assert codes(password) == ["too_common"]


@pytest.mark.parametrize(
    "password",
    [
        "password monkey dragon",
        "correct monkey battery",
        "summer rain 2024",
        "monkey-dragon-7",
        "58392017",  # 5839… and …2017 are common numbers
        "1234987650",
        "cat83920175!",  # too short a word to be what gives it away
        "zqxjvk12345678",
    ],
)
def test_phrases_of_common_words_are_no_disguise(password: str) -> None:
    """A common password inside a longer phrase or number does not spoil it: nothing is searched for within."""
    assert codes(password) == []


def test_random_phrases_and_random_strings_are_accepted() -> None:
    """Of ten thousand passwords as generators make them, of words or of characters, none is refused."""
    dice = random.Random(14862)
    words = sorted(word for word in common_passwords() if word.isalpha() and len(word) > 3)
    characters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!#%+:=?@"
    for _ in range(5000):
        phrase = dice.choice(" -.").join(dice.choices(words, k=4))
        assert codes(f"{phrase}{dice.randrange(100)}", names=NAMES) == []
        assert codes("".join(dice.choices(characters, k=12)), names=NAMES) == []


# --- names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "password",
    [
        "alice.smith@example.org",
        "ALICE.SMITH@EXAMPLE.ORG",
        "alice.smith",  # the e-mail address's local part
        "Alice Smith",
        "alicesmith",
        "alice_smith99",
        "99 Alice Smith!",
        "alice!738201",
        "alicealice",
        "Alice-Alice-1",
        "alice.smith@example.org1",
    ],
)
@pytest.mark.parametrize("policy", [STANDARD, NIST], ids=["standard", "nist"])
def test_P_02_a_password_is_not_ones_own_name(policy: Policy, password: str) -> None:
    """Username, e-mail address, its local part and display name, ignoring case and what is put around them."""
    assert "contains_name" in codes(password, policy, names=NAMES)
    assert "contains_name" not in codes(password, policy, names=("bob", "bob@example.org"))


@pytest.mark.parametrize("password", ["carol.jones", "CarolJones!", "carol-jones-1969"])
def test_the_local_part_of_an_address_is_a_name(password: str) -> None:
    """Whoever gives the policy an e-mail address need not take it apart."""
    assert codes(password, names=("carol.jones@example.org",)) == ["contains_name"]


def test_a_name_within_a_phrase_is_no_name() -> None:
    """A phrase may speak of its owner: only one that says nothing else is refused."""
    assert codes("alice keeps nine bees", names=NAMES) == []
    assert codes("my malice knows no end", names=NAMES) == []


def test_short_and_numeric_names_count_only_as_they_are() -> None:
    """A name of a letter or two, or of digits, is refused as the whole password and not as a part of it."""
    assert codes("b-738201-4", names=("b",)) == []
    assert codes("5550123999", names=("5550123",)) == []
    assert codes("5550123999", names=("5550123999",)) == ["contains_name"]
    assert codes("🌼🌻🌼🌹🌼🌻🌷🌼", names=("🌼🌻🌼🌹🌼🌻🌷🌼",)) == ["contains_name"]


def test_empty_names_refuse_nothing() -> None:
    """An account without a display name has no name to avoid."""
    assert codes("zqxjvkwb", names=("", " ", "@", "@example.org")) == []


# --- the service ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "password", ["dragoman", "Dragoman1", "DRAGOMAN2026!", "drago-man", "1dragoman", "dragomandragoman"]
)
def test_P_02_a_password_is_not_the_services_name(password: str) -> None:
    """This service's name is what one tries first here, with or without digits and punctuation."""
    assert "contains_service" in codes(password)


@pytest.mark.parametrize(
    "password", ["dragoman-password", "dragomanadmin1", "dragoman.abc", "password-dragoman"]
)
def test_nor_its_name_and_a_common_password(password: str) -> None:
    """The service's name joined to a common password is the next guess."""
    assert codes(password) == ["contains_service"]


def test_a_phrase_may_speak_of_the_service() -> None:
    """A phrase is not spoiled by the service's name in it."""
    assert codes("the old dragoman lives in oslo") == []


# --- reasons --------------------------------------------------------------------------------------------


def test_all_reasons_are_given_at_once() -> None:
    """Whoever is refused learns everything that is wrong, in one order, and need not try again for each."""
    everything = check("dragon\ud83d", policy=STANDARD, names=("dragon",))
    assert [reason.code for reason in everything] == ["not_text", "too_short", "too_common", "contains_name"]
    assert codes("dragoman", NIST, names=("dragoman",)) == ["too_short", "contains_name", "contains_service"]


def test_each_reason_tells_people_what_to_do() -> None:
    """A reason reads as a sentence, names its limit, and never repeats the password."""
    seen: dict[str, Reason] = {}
    for password in ("dragon1", "dragoman2", "alice99999", "x" * 5000, "\ud83dxxxxxxxxx", "qwerty"):
        for reason in check(password, policy=STANDARD, names=NAMES):
            seen[reason.code] = reason
            assert password not in reason.text
            assert reason.limit is None or str(reason.limit) in reason.text
    assert {code: reason.text for code, reason in seen.items()} == {
        "too_short": "Use at least 8 characters",
        "too_common": "It is one of the most common passwords",
        "contains_service": "It is the name of this service, or little more",
        "contains_name": "It is your own name or e-mail address, or little more",
        "too_long": "Use at most 4096 bytes",
        "not_text": "It contains characters that are not text",
    }
    assert [reason.text for reason in check("", policy=LEGACY)] == ["Use at least 1 character"]


def test_require_refuses_with_every_reason() -> None:
    """`require` is `check` as a refusal: silent for a good password, all reasons for another."""
    require("zqxjvkwb", policy=STANDARD, names=NAMES)
    with pytest.raises(PasswordRefused) as refused:
        require("alice1", policy=STANDARD, names=NAMES)
    assert refused.value.reasons == check("alice1", policy=STANDARD, names=NAMES)
    assert [reason.code for reason in refused.value.reasons] == ["too_short", "too_common", "contains_name"]
    with pytest.raises(PasswordRefused):
        require("x" * 11, policy=LEGACY, floor=12)
    with pytest.raises(PasswordRefused):
        require("zqxjvkwb", policy=NIST)


def test_profiles_are_found_by_their_names() -> None:
    """The settings name a profile; the table knows each by the name it has itself."""
    assert list(POLICIES) == ["standard", "nist", "legacy"]
    assert all(policy.name == name for name, policy in POLICIES.items())


@given(st.text(st.characters(codec=None, categories=None)), st.lists(st.text()), st.sampled_from([*POLICIES]))
def test_no_password_is_an_accident(password: str, names: list[str], policy: str) -> None:
    """Whatever is proposed, and whatever its owner is called, the policy answers; twice the same."""
    reasons = check(password, policy=POLICIES[policy], names=names)
    assert reasons == check(password, policy=POLICIES[policy], names=names)
    assert len({reason.code for reason in reasons}) == len(reasons)


@pytest.mark.parametrize(
    "password", ["a" + "1" * 4095, "\ufdfa" * 1365, "dragoman" * 512, "\u0301\u0323" * 1024]
)
def test_the_dearest_question_is_cheap(password: str) -> None:
    """No password under the limit keeps the policy busy for 50 ms, however its Unicode expands."""
    assert lasting(password, STANDARD) < 0.05


def test_the_list_is_read_at_the_first_question() -> None:
    """Start-up does not pay for the list; nor does a server under `legacy`, ever."""
    program = """if True:
        from dragoman.core.policy import POLICIES, check, common_passwords
        check("password", policy=POLICIES["legacy"])
        print(common_passwords.cache_info().currsize)
        check("password", policy=POLICIES["standard"])
        print(common_passwords.cache_info().currsize)
        """
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert ran.stdout.split() == ["0", "1"]
