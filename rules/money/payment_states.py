"""What a person may do about a payment, by where it stands: waive it, write it off, try it again, refund it."""

from enum import StrEnum

from rules.archive.plan import BECAUSE_ARCHIVED
from rules.enums import PaymentStatus


class Act(StrEnum):
    WAIVE = "waive"
    WRITE_OFF = "write_off"
    RETRY = "retry"
    REFUND = "refund"


_NO_CARD_HELPS = frozenset({"below_minimum", "rejected"})

_POSSIBLE = {
    Act.WAIVE: frozenset(
        {PaymentStatus.SCHEDULED, PaymentStatus.FAILED, PaymentStatus.REQUIRES_ACTION, PaymentStatus.OWED}
    ),
    Act.WRITE_OFF: frozenset({PaymentStatus.OWED}),
    Act.RETRY: frozenset({PaymentStatus.FAILED, PaymentStatus.OWED}),
    Act.REFUND: frozenset({PaymentStatus.PAID, PaymentStatus.PARTIALLY_REFUNDED}),
}


def can_a_card_settle(because: str | None) -> bool:
    """Whether another card can settle what is owed for this reason: not what no card is ever asked for."""
    return because not in _NO_CARD_HELPS


def may(act: Act, *, status: PaymentStatus, because: str | None = None, past_deadline: bool = False) -> bool:
    """Whether a payment that stands so may be acted on so.

    What only an archive stopped is a debt in all but name: it can be waived or written off, and tried again once the
    client is active. So is what has failed once its deadline is past. A payment on its way to the card can be nothing
    but waited for.
    """
    if status is PaymentStatus.CANCELLED:
        return because == BECAUSE_ARCHIVED and act is not Act.REFUND
    if act is Act.WRITE_OFF and status is PaymentStatus.FAILED:
        return past_deadline
    return status in _POSSIBLE[act]
