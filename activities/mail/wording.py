"""How mails say things: money, names and titles in plain English, with nothing but their arguments."""

import re
from collections.abc import Iterable

from rules.accounts.second_factors import FactorChange
from rules.enums import AppointmentType, ApprovalAct, PaymentKind
from rules.money.currencies import in_units
from rules.plain_text import one_line

_TYPE_TITLES = {AppointmentType.INTRO_CALL: "Intro call", AppointmentType.SESSION: "Session"}
_PAYMENT_TITLES = {
    PaymentKind.SESSION: "Session",
    PaymentKind.NO_SHOW: "Missed appointment",
    PaymentKind.LATE_CANCELLATION: "Late cancellation",
}
_ACT_TITLES = {
    ApprovalAct.CREDIT: "a credit",
    ApprovalAct.REFUND: "a refund",
    ApprovalAct.WAIVE: "a waiver",
    ApprovalAct.WRITE_OFF: "a write-off",
}
_FACTOR_CHANGES = {
    FactorChange.ADDED: "An authenticator app was added to your account. From now on, signing in takes a code that the"
    " app shows. Other devices were signed out.",
    FactorChange.PASSKEY_ADDED: "A passkey was added to your account. From now on, signing in takes a passkey, or a"
    " code beside your password. Other devices were signed out.",
    FactorChange.REMOVED: "An authenticator app was removed from your account.",
    FactorChange.PASSKEY_REMOVED: "A passkey was removed from your account.",
    FactorChange.TAKEN_AWAY: "We were asked to remove every authenticator app, passkey and recovery code from your"
    " account, and did so. You were signed out everywhere. Sign in with your password, and set up a new app or"
    " passkey.",
    FactorChange.CODES_MADE: "New recovery codes were made for your account. The former ones work no more.",
    FactorChange.CODE_USED: "A recovery code of your account was used. It works no more.",
    FactorChange.GUESSED: "Somebody who passed the first step of your sign-in, such as your password, typed many codes"
    " that were wrong, and was not let in.",
    FactorChange.COPIED: "There may be a copy of a passkey of your account: what it showed was older than what we knew"
    " already. Whoever used it was not let in. Remove this passkey, and set up a new one.",
}

_LONGEST_NAME = 80
# A public form decides what stands behind "Hello": what a mail program would turn into a link is not greeted.
_LINK_LIKE = re.compile(r"[@/\\]|www\.|\w\.\w{2,}", re.IGNORECASE)


def money(amount: int, currency: str) -> str:
    """``120.00 USD`` from minor units; ``1200 JPY`` and ``1.250 KWD`` where a currency counts otherwise."""
    return f"{in_units(amount, currency):f} {currency.upper()}"


def type_title(kind: str) -> str:
    return _TYPE_TITLES[AppointmentType(kind)]


def payment_title(kind: str) -> str:
    return _PAYMENT_TITLES[PaymentKind(kind)]


def act_title(act: str) -> str:
    """What waits for a second person."""
    return _ACT_TITLES[ApprovalAct(act)]


def factor_change(change: str) -> str:
    """What has become of an account's second factors."""
    return _FACTOR_CHANGES[FactorChange(change)]


def greeting(name: str) -> str:
    """``Hello Sara,``, or ``Hello,`` for no name or one that looks like an address."""
    plain = one_line(name)
    if not plain or len(plain) > _LONGEST_NAME or _LINK_LIKE.search(plain):
        return "Hello,"
    return f"Hello {plain},"


def listed(items: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *first, last = items
    return f"{', '.join(first)} and {last}" if first else last


def tidy(text: str) -> str:
    """A text body without trailing spaces, with one empty line at most between paragraphs and one newline
    at its end.
    """
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"
