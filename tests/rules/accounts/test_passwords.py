"""What a password must be: borders on each side, counted in Unicode's NFKC form."""

import pytest

from rules.accounts.passwords import LONGEST, known_around, normal_password, wrong_with_password
from rules.accounts.sides import AccountSide

CLIENT, STAFF = AccountSide.CLIENT, AccountSide.STAFF
COMMON = frozenset({"password", "qwertyuiop12"})


@pytest.mark.parametrize(
    ("typed", "side", "wrong"),
    [
        ("a" * 7 + "b", CLIENT, None),
        ("a" * 7, CLIENT, "at least 8"),
        ("x" * 12, STAFF, None),
        ("x" * 11, STAFF, "at least 12"),
        ("x" * LONGEST, STAFF, None),
        ("x" * (LONGEST + 1), CLIENT, "at most 128"),
        ("PassWord", CLIENT, "tried first"),
        ("ｐａｓｓｗｏｒｄ", CLIENT, "tried first"),  # the same in full width
        ("Qwertyuiop12", STAFF, "tried first"),
        ("a\u0301" * 8, CLIENT, None),  # eight letters with an accent each
        ("a\u0301" * 7, CLIENT, "at least 8"),  # fourteen signs typed, seven letters
        ("ﬃ" * 4, STAFF, None),  # a ligature is three letters
        ("\ufdfa" * 8, CLIENT, "at most 128"),  # and this one is eighteen
        ("        ", CLIENT, None),  # nothing is demanded of the signs
    ],
)
def test_lengths_and_common_ones(typed: str, side: AccountSide, wrong: str | None) -> None:
    said = wrong_with_password(typed, side=side, common=COMMON)
    assert said is None if wrong is None else said is not None and wrong in said
    assert typed not in (said or "")


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ("maria.lopez 2026", True),
        ("My MARIA-Lopez!", True),
        ("ｍａｒｉａｌｏｐｅｚ99", True),  # the same in full width
        ("at Care Journeys 1", True),
        ("carejourneys2026", True),
        ("maria and a lopez", False),
        ("journeys of care", False),
    ],
)
def test_nothing_that_is_known_around_its_owner(typed: str, wrong: bool) -> None:
    around = known_around("Maria.Lopez@practice.example", "Care Journeys")
    said = wrong_with_password(typed, side=CLIENT, common=COMMON, around=around)
    assert (said is not None and "tried first" in said) is wrong
    assert typed not in (said or "")


def test_what_is_short_stands_in_many_words() -> None:
    around = known_around("ana@practice.example", "Tea")
    assert wrong_with_password("bananas and tea", side=CLIENT, common=COMMON, around=around) is None
    assert wrong_with_password("x" * 8, side=CLIENT, common=COMMON, around=known_around("", "")) is None


def test_two_keyboards_write_one_password() -> None:
    assert normal_password("cafe\u0301 \u212b") == normal_password("caf\xe9 \xc5")
