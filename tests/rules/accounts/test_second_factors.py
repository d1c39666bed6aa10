"""Second factors: what is typed, how it is kept, and who must have one."""

import pytest

from rules.accounts.second_factors import (
    ALPHABET,
    RECOVERY_LETTERS,
    in_groups,
    is_totp,
    may_be_removed,
    normal_code,
    opens_enrolling_alone,
    recovery_hash,
)
from rules.accounts.sides import AccountSide

CODE = "K7QX-2M9P-TTWB-45HJ"


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("123456", "123456"),
        (" 123 456\n", "123456"),
        ("\uff11\uff12\uff13456", "123456"),  # as a Japanese keyboard has them
        (CODE, "K7QX2M9PTTWB45HJ"),
        (CODE.lower(), "K7QX2M9PTTWB45HJ"),
        ("k7qx 2m9p\u2011ttwb 45hj", "K7QX2M9PTTWB45HJ"),
        ("", ""),
        ("\0", ""),
    ],
)
def test_a_code_is_compared_without_what_people_type_along(typed: str, normal: str) -> None:
    assert normal_code(typed) == normal


@pytest.mark.parametrize("code", ["12345", "1234567", "12345A", "\u0661\u0662\u0663\u0664\u0665\u0666", "", CODE])
def test_six_plain_digits_are_an_apps(code: str) -> None:
    assert is_totp("000000")
    assert not is_totp(code)


def test_no_sign_of_a_recovery_code_is_taken_for_another() -> None:
    assert len(set(ALPHABET)) == 32
    assert not set(ALPHABET) & set("01IO")
    assert len(ALPHABET) ** RECOVERY_LETTERS >= 2**112  # below that a plain hash does not protect what is kept
    assert in_groups(normal_code(CODE)) == CODE


def test_what_is_kept_of_a_recovery_code_is_another_for_each_account() -> None:
    assert recovery_hash("one", "A") != recovery_hash("two", "A")
    assert recovery_hash("one", "A") != recovery_hash("one", "B")
    assert len(recovery_hash("one", "A")) == 64


@pytest.mark.parametrize(
    ("side", "demanded", "has_factor", "alone"),
    [
        (AccountSide.STAFF, True, False, True),
        (AccountSide.STAFF, True, True, False),
        (AccountSide.STAFF, False, False, False),
        (AccountSide.CLIENT, True, False, False),
    ],
)
def test_it_is_demanded_of_people_of_the_practice_alone(
    side: AccountSide, demanded: bool, has_factor: bool, alone: bool
) -> None:
    assert opens_enrolling_alone(side, demanded=demanded, has_factor=has_factor) is alone


@pytest.mark.parametrize(
    ("side", "demanded", "remaining", "may"),
    [
        (AccountSide.STAFF, True, 0, False),
        (AccountSide.STAFF, True, 1, True),
        (AccountSide.STAFF, False, 0, True),
        (AccountSide.CLIENT, True, 0, True),
    ],
)
def test_the_last_one_stays_where_it_is_demanded(side: AccountSide, demanded: bool, remaining: int, may: bool) -> None:
    assert may_be_removed(side, demanded=demanded, remaining=remaining) is may
