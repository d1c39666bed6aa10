"""Second factors: what somebody shows beside the password (two-factor authentication), as it is typed and counted.

An authenticator app makes a new code in each time step (TOTP, RFC 6238). A passkey signs what it is asked. A recovery
code is for the day on which either is gone, and works once.
"""

import unicodedata
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256

from rules.accounts.sides import AccountSide


class FactorKind(StrEnum):
    """What can be set up."""

    TOTP = "totp"
    PASSKEY = "passkey"


class CodeKind(StrEnum):
    """What can be shown."""

    TOTP = "totp"
    PASSKEY = "passkey"
    RECOVERY_CODE = "recovery_code"


class FactorChange(StrEnum):
    """What has become of an account's second factors: its owner is mailed it, and a client's timeline tells of all but
    guesses and copies, which are nobody's act."""

    ADDED = "added"
    PASSKEY_ADDED = "passkey_added"
    REMOVED = "removed"
    PASSKEY_REMOVED = "passkey_removed"
    TAKEN_AWAY = "taken_away"  # by the practice, from somebody who has lost everything
    CODES_MADE = "codes_made"
    CODE_USED = "code_used"
    GUESSED = "guessed"  # too many wrong codes, by somebody who has the password
    COPIED = "copied"  # a passkey's counter went back: there may be two with one key


STEP_SECONDS = 30
DIGITS = 6
SKEW = 1  # steps by which a clock may be wrong, either way
MOST_FACTORS = 5  # of one account: a phone, a tablet, ...
LONGEST_NAME = 60  # of one of them
ENROLMENT_TTL = timedelta(hours=1)  # for which a secret waits to be confirmed
CODES_WITHIN = timedelta(days=1)
MOST_CODES = 30  # wrong ones within that time, for whoever shows the same thing before them

RECOVERY_CODES = 10
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # 32 signs, none of which is taken for another: no 0, 1, I, O
RECOVERY_LETTERS = 24  # of 5 bits each: from 112 bits on a plain hash is enough to keep (NIST SP 800-63B)
_GROUP = 4


def normal_code(typed: str) -> str:
    """As it is compared: without the spaces and dashes that people type or paste along."""
    return "".join(char for char in unicodedata.normalize("NFKC", typed).upper() if char.isalnum())


def is_totp(code: str) -> bool:
    """Whether a code, in its normal form, could be an authenticator app's."""
    return len(code) == DIGITS and code.isascii() and code.isdigit()


def in_groups(letters: str) -> str:
    """A recovery code as it is shown: so that it can be copied by hand."""
    return "-".join(letters[start : start + _GROUP] for start in range(0, len(letters), _GROUP))


def recovery_hash(account_id: object, code: str) -> str:
    """Under which a recovery code, in its normal form, is kept: it is another one for each account. In hex."""
    return sha256(f"recovery code of {account_id}\n{code}".encode()).hexdigest()


def opens_enrolling_alone(side: AccountSide, *, demanded: bool, has_factor: bool) -> bool:
    """Whether whoever has signed in has to set up a second factor before anything else. ``demanded``: of people of the
    practice."""
    return demanded and side is AccountSide.STAFF and not has_factor


def may_be_removed(side: AccountSide, *, demanded: bool, remaining: int) -> bool:
    """Whether its owner may remove a factor. ``remaining``: how many others there are."""
    return not opens_enrolling_alone(side, demanded=demanded, has_factor=remaining > 0)
