"""Credit: which of a client's credits pay, and what a refund gives back where. Whole minor units of one currency."""

from collections.abc import Iterable
from dataclasses import dataclass

from rules.enums import RefundTo
from rules.refusals import Problem, Refusal, invalid


@dataclass(frozen=True, kw_only=True, slots=True)
class Available:
    """One credit, and what is left of it."""

    id: str
    remaining: int


def oldest_first(*, credits: Iterable[Available], amount: int) -> list[tuple[str, int]]:
    """What each credit gives towards an amount: the ids and their parts, in the order given, which is oldest first.

    ValueError if they do not hold so much together: credit never goes below zero.
    """
    parts: list[tuple[str, int]] = []
    missing = amount
    for credit in credits:
        part = min(credit.remaining, missing)
        if part > 0:
            parts.append((credit.id, part))
            missing -= part
    if missing > 0 or amount < 0:
        message = f"the credits do not cover {amount}"
        raise ValueError(message)
    return parts


@dataclass(frozen=True, kw_only=True, slots=True)
class PaidParts:
    """What a payment took, and what of it was given back before (refunds that are still on their way count)."""

    by_card: int
    by_credit: int
    refunded_to_card: int
    refunded_to_credit: int

    @property
    def refundable(self) -> int:
        """What is left to give back; nothing where more was given than was paid."""
        return max(self.by_card + self.by_credit - self.refunded_to_card - self.refunded_to_credit, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundParts:
    to_card: int
    to_credit: int


def split_refund(*, parts: PaidParts, amount: int | None, to: RefundTo) -> RefundParts | Refusal:
    """How an amount (all that is left, unless said) is given back: to the card as far as the card paid, the rest as
    credit; or all of it as credit. Never more than was paid.
    """
    left = parts.refundable
    if amount is not None and amount <= 0:
        return invalid("amount", "must be a whole number of minor units, and more than 0")
    if left == 0:
        return Refusal(
            name=Problem.PAYMENT_NOT_REFUNDABLE,
            detail="All that was paid has been refunded already.",
            data={"refundable": 0},
        )
    wanted = left if amount is None else amount
    if wanted > left:
        return Refusal(
            name=Problem.PAYMENT_NOT_REFUNDABLE,
            detail=f"At most {left} can still be refunded (in minor units); {wanted} was asked for.",
            data={"refundable": left},
        )
    card = 0 if to is RefundTo.CREDIT else min(wanted, parts.by_card - parts.refunded_to_card)
    return RefundParts(to_card=max(card, 0), to_credit=wanted - max(card, 0))
