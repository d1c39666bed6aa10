"""What an open payment waits for, from its state alone: the journey's timer, and what an archive would stop.

A payment that is due, or whose try runs, has a ``next_try_at`` only while a restored database waits for the comparison
with Stripe.

It runs inside workflows: docs/changing-a-workflow.md says how it is changed.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from rules.enums import PaymentStatus


class OpenPayment(Protocol):
    """``frozen``: a dispute is open, and nothing is charged by itself."""

    @property
    def status(self) -> PaymentStatus: ...
    @property
    def due_at(self) -> datetime: ...
    @property
    def deadline(self) -> datetime: ...
    @property
    def next_try_at(self) -> datetime | None: ...
    @property
    def frozen(self) -> bool: ...


class Awaited(StrEnum):
    TRY = "the try that was begun"
    DISPUTE = "a dispute to be settled, or the payment's deadline"
    DUE = "the payment is due"
    NEXT_TRY = "the next try"
    DEADLINE = "the payment's deadline"


@dataclass(frozen=True, kw_only=True)
class Next:
    """What a payment waits for: ``at`` is when to act, ``owe`` whether that is the deadline, ``why`` a label."""

    at: datetime
    owe: bool
    why: Awaited


def next_step(payment: OpenPayment) -> Next:
    """What happens next to an open payment, and when."""
    if payment.status is PaymentStatus.PROCESSING:
        return Next(at=payment.next_try_at or payment.due_at, owe=False, why=Awaited.TRY)
    if payment.frozen:
        return Next(at=payment.deadline, owe=True, why=Awaited.DISPUTE)
    if payment.status is PaymentStatus.SCHEDULED:
        return Next(at=payment.next_try_at or payment.due_at, owe=False, why=Awaited.DUE)
    if payment.status is PaymentStatus.FAILED and payment.next_try_at is not None:
        return Next(at=payment.next_try_at, owe=False, why=Awaited.NEXT_TRY)
    return Next(at=payment.deadline, owe=True, why=Awaited.DEADLINE)
