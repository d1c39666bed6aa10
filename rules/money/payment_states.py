"""The payment's state machine: the table (state, event) -> state, every named set of states, and the reasons.

Whoever changes a payment names what happened; the state that follows is the table's to say. A move that it does not
know is an error and never passes silently. The database decides whether a payment may be moved at all: its row is
locked, and compared, before. What a person may do about a payment is asked of ``may``.

`PENDING` runs inside workflows: docs/changing-a-workflow.md says how it is changed.
"""

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from rules.enums import PaymentStatus

_S = PaymentStatus


class PaymentEvent(StrEnum):
    """What can happen to a payment."""

    EARNED = "earned"  # its fee, by an event or by a corrected one; a fee that was waived stays waived
    TRY_BEGUN = "try_begun"
    PUT_OFF = "put_off"  # nothing changes but when it is looked at next: a person asked, or no money may move yet
    PAID = "paid"  # by the card, by credit, or by Stripe's word
    DECLINED = "declined"  # by the bank; it is tried again later
    CLIENT_NEEDED = "client_needed"  # the bank wants the client to confirm
    CARD_NEEDED = "card_needed"  # there is none to charge, or the bank wants another one
    CARD_CAME = "card_came"  # it is tried at once
    RETRIED = "retried"  # at once, because a person asked; what an archive stopped is a debt from then on
    OWED = "owed"  # the deadline has passed, the tries are used up, or no card can pay it
    STOPPED = "stopped"  # its client was archived
    UNMARKED = "unmarked"  # the outcome that had earned it was taken back
    RESTORED = "restored"
    WAIVED = "waived"
    WRITTEN_OFF = "written_off"
    REFUNDED_IN_PART = "refunded_in_part"
    REFUNDED_IN_FULL = "refunded_in_full"
    REFUND_FAILED = "refund_failed"  # and nothing is given back any more


class Because(StrEnum):
    """Why a payment stands as it does, where its state alone does not say."""

    ARCHIVED = "archived"  # what an archive stopped: cancelled, and owed once its client has come to pay it
    UNMARKED = "unmarked"  # nobody says any more that it was earned
    WAIVED = "waived"
    DEBT = "debt"  # a try runs for what was owed: no appointment's workflow waits for its end any more
    DECLINED = "declined"
    NEW_CARD = "new_card"  # it is tried again at once
    TRIED_BY_HAND = "tried_by_hand"
    NO_CARD = "no_card"
    NEW_CARD_NEEDED = "new_card_needed"
    AUTHENTICATION_REQUIRED = "authentication_required"
    DEADLINE_PASSED = "deadline_passed"
    TRIES_USED_UP = "tries_used_up"
    BELOW_MINIMUM = "below_minimum"
    REJECTED = "rejected"  # Stripe will never take this request: a person must look
    AMOUNT_DIFFERS = "amount_differs"  # the card gave less than it was to give, and there is no credit for the rest


# ---------------------------------------------------------------- sets of states

FIRST = _S.SCHEDULED
"""As which every payment begins."""

WAITING = frozenset({_S.SCHEDULED, _S.FAILED, _S.REQUIRES_ACTION})
"""For its time, for a card or for the client; what a dispute holds up, an archive stops and a deadline makes a debt."""

PENDING = WAITING | {_S.PROCESSING}
"""Unpaid, and followed by its appointment's workflow to the end."""

UNPAID = PENDING | {_S.OWED}
"""Earned, and neither paid nor let go of."""

OUTSTANDING = UNPAID - {_S.PROCESSING}
"""Unpaid with no try under way."""

CONFIRMABLE = OUTSTANDING - {_S.SCHEDULED}
"""What the client can pay by the link."""

COLLECTED = frozenset({_S.PAID, _S.PARTIALLY_REFUNDED, _S.REFUNDED})
"""Paid once, whatever of it was given back since."""

FORGIVEN = frozenset({_S.WAIVED, _S.WRITTEN_OFF})
"""A person decided that nothing is taken."""

LET_GO = FORGIVEN | {_S.CANCELLED}
"""Voided: nothing is charged any more, and no open intent may still pay."""

# ---------------------------------------------------------------- the table

_MOVES = (
    (PaymentEvent.EARNED, {_S.SCHEDULED, _S.CANCELLED}, _S.SCHEDULED),
    (PaymentEvent.EARNED, {_S.WAIVED}, _S.WAIVED),
    (PaymentEvent.TRY_BEGUN, {_S.SCHEDULED, _S.FAILED, _S.OWED}, _S.PROCESSING),
    *((PaymentEvent.PUT_OFF, {state}, state) for state in (_S.SCHEDULED, _S.PROCESSING, _S.FAILED, _S.OWED)),
    (PaymentEvent.PAID, UNPAID | {_S.CANCELLED}, _S.PAID),
    (PaymentEvent.DECLINED, {_S.PROCESSING}, _S.FAILED),
    (PaymentEvent.CLIENT_NEEDED, {_S.PROCESSING}, _S.REQUIRES_ACTION),
    (PaymentEvent.CARD_NEEDED, {_S.SCHEDULED, _S.PROCESSING, _S.FAILED}, _S.FAILED),
    (PaymentEvent.CARD_CAME, {_S.PROCESSING, _S.FAILED, _S.REQUIRES_ACTION}, _S.FAILED),
    (PaymentEvent.RETRIED, {_S.FAILED, _S.REQUIRES_ACTION}, _S.FAILED),
    (PaymentEvent.RETRIED, {_S.CANCELLED}, _S.OWED),
    (PaymentEvent.OWED, UNPAID, _S.OWED),
    (PaymentEvent.STOPPED, PENDING | {_S.CANCELLED}, _S.CANCELLED),
    (PaymentEvent.UNMARKED, {FIRST}, _S.CANCELLED),
    (PaymentEvent.RESTORED, {_S.CANCELLED, _S.OWED}, _S.SCHEDULED),
    (PaymentEvent.WAIVED, OUTSTANDING | {_S.CANCELLED, _S.WAIVED}, _S.WAIVED),
    (PaymentEvent.WRITTEN_OFF, {_S.FAILED, _S.OWED, _S.CANCELLED}, _S.WRITTEN_OFF),
    (PaymentEvent.REFUNDED_IN_PART, COLLECTED - {_S.PARTIALLY_REFUNDED}, _S.PARTIALLY_REFUNDED),
    (PaymentEvent.REFUNDED_IN_FULL, COLLECTED - {_S.REFUNDED}, _S.REFUNDED),
    (PaymentEvent.REFUND_FAILED, COLLECTED - {_S.PAID}, _S.PAID),
)
TABLE = {(state, event): becomes for event, states, becomes in _MOVES for state in states}


class NoSuchMove(Exception):
    """What was said to happen to a payment cannot happen to one that stands so."""

    def __init__(self, status: PaymentStatus, event: PaymentEvent) -> None:
        super().__init__(f"a payment that is {status.value} cannot be {event.value}")
        self.status = status
        self.event = event


def after(status: PaymentStatus, event: PaymentEvent) -> PaymentStatus:
    """The state that follows. Raises NoSuchMove."""
    try:
        return TABLE[status, event]
    except KeyError:
        raise NoSuchMove(status, event) from None


def before(event: PaymentEvent) -> frozenset[PaymentStatus]:
    """The states in which it can happen."""
    return frozenset(status for status, possible in TABLE if possible is event)


CHARGEABLE = before(PaymentEvent.TRY_BEGUN)
"""What a try may win."""

CORRECTABLE = before(PaymentEvent.EARNED)
"""What a corrected outcome replaces, if nothing was asked of a card for it."""

RESUMED_BY_CARD = before(PaymentEvent.CARD_CAME) - {_S.PROCESSING}
"""What a new card is asked for at once; a try that runs learns of the card when it ends."""

# ---------------------------------------------------------------- reasons

WAITS_FOR_CARD = frozenset({Because.NO_CARD, Because.NEW_CARD_NEEDED})
# Of a debt: no card helps, or it is asked only as often as a person wants it asked.
_NOT_BY_A_CARD_THAT_CAME = frozenset({Because.BELOW_MINIMUM, Because.AMOUNT_DIFFERS, Because.ARCHIVED})


class PaymentState(Protocol):
    """How a payment stands."""

    @property
    def status(self) -> PaymentStatus: ...
    @property
    def because(self) -> str | None: ...
    @property
    def deadline(self) -> datetime: ...


def can_a_card_settle(because: str | None) -> bool:
    """Whether another card that comes settles what is owed for this reason by itself: not what is too little for one,
    nor what one has paid in part, nor what an archive stopped and the client came to pay, without having paid it yet.
    """
    return because not in _NOT_BY_A_CARD_THAT_CAME


def how_it_is_settled(because: str | None) -> str:
    """What settles what is owed for this reason, in a sentence for whoever looks after it."""
    if because == Because.BELOW_MINIMUM:
        return "It is less than Stripe charges: grant credit for it and try again, waive it, or write it off."
    if because == Because.AMOUNT_DIFFERS:
        return "The card gave less than the fee: grant credit for the rest, and try again."
    if because == Because.REJECTED:
        return "Stripe refused the request: look there why, and try again. A new card is tried at once."
    return "The client has a link to pay it, and a new card settles it too."


def is_stopped(*, status: PaymentStatus, because: str | None) -> bool:
    """Cancelled only because of an archive: a debt in all but name, which can be restored, paid or let go of."""
    return status is PaymentStatus.CANCELLED and because == Because.ARCHIVED


def can_be_restored(*, status: PaymentStatus, because: str | None) -> bool:
    """Whether whoever ends the archive can have it scheduled again: it is as the archive left it, or its client came to
    pay it meanwhile, and has not."""
    came_to_pay = status is PaymentStatus.OWED and because == Because.ARCHIVED
    return came_to_pay or is_stopped(status=status, because=because)


def can_be_confirmed(*, status: PaymentStatus, because: str | None) -> bool:
    """Whether its client can pay it now, by an own click."""
    return status in CONFIRMABLE or is_stopped(status=status, because=because)


def told_to_client(*, status: PaymentStatus, because: str | None) -> PaymentStatus:
    """As what its client sees it: what only an archive stopped is owed to them, like anything that was not paid."""
    return PaymentStatus.OWED if is_stopped(status=status, because=because) else status


def is_asked_for(status: PaymentStatus, next_try_at: datetime | None) -> bool:
    """Whether a person asked for a debt to be tried again: no archive holds that up. By themselves debts have no next
    try."""
    return status is PaymentStatus.OWED and next_try_at is not None


def is_owed(payment: PaymentState, *, now: datetime) -> bool:
    """Earned and not paid: owed, failed past the deadline, or cancelled only because of an archive."""
    return (
        payment.status is PaymentStatus.OWED
        or (payment.status is PaymentStatus.FAILED and now > payment.deadline)
        or is_stopped(status=payment.status, because=payment.because)
    )


# ---------------------------------------------------------------- what a person may do


class Act(StrEnum):
    WAIVE = "waive"
    WRITE_OFF = "write_off"
    RETRY = "retry"
    REFUND = "refund"


_POSSIBLE = {
    Act.WAIVE: OUTSTANDING,
    Act.WRITE_OFF: frozenset({_S.OWED}),
    Act.RETRY: CHARGEABLE - {_S.SCHEDULED},
    Act.REFUND: COLLECTED - {_S.REFUNDED},
}


def may(act: Act, *, status: PaymentStatus, because: str | None = None, past_deadline: bool = False) -> bool:
    """Whether a payment that stands so may be acted on so.

    What only an archive stopped is a debt in all but name: it can be waived, written off and tried again, also while
    the client is archived. So is what has failed once its deadline is past. A payment on its way to the card can be
    nothing but waited for.
    """
    if status is PaymentStatus.CANCELLED:
        return is_stopped(status=status, because=because) and act is not Act.REFUND
    if act is Act.WRITE_OFF and status is PaymentStatus.FAILED:
        return past_deadline
    return status in _POSSIBLE[act]
