"""One payment, from due to settled: what comes next follows from its state alone.

    scheduled        -> wait until it is due, then try
    failed           -> wait for the next try, for a new card, or for the deadline
    requires_action  -> wait for the client, or for the deadline
    frozen           -> wait for a dispute's task to be resolved, or for the deadline
    processing       -> a try was begun: carry it through
    anything else    -> settled

A card that arrives, a client who confirms and an archive all change the payment in the database and tell the workflow;
they need no case of their own here.
"""

from collections.abc import Callable

from temporalio import workflow

from workflows import steps

with workflow.unsafe.imports_passed_through():
    from activities.types.facts import PaymentFacts
    from activities.types.money import AttemptOrder, AttemptResult, AttemptStarted, Settled
    from rules.enums import PaymentStatus
    from rules.money.payment_states import PENDING


def is_open(payment: PaymentFacts | None) -> bool:
    return payment is not None and payment.status in PENDING


async def attempt(
    payment_id: str, number: int, *, began: Callable[[AttemptStarted], object]
) -> tuple[AttemptStarted, Settled]:
    """One try: win the payment, charge the card, record the answer. A lost payment is left as it stands. Answers what
    was found at the beginning, and at the end.

    Whoever calls holds no lock meanwhile: Stripe may be away for long, and the database guards the payment.
    """
    order = AttemptOrder(payment_id=payment_id, attempt=number)
    begun = await steps.start_attempt(order)
    began(begun)
    if not begun.started:
        return begun, Settled(appointment=begun.appointment, journey=begun.journey)
    charged = await steps.charge_card(order)
    return begun, await steps.finish_attempt(AttemptResult(payment_id=payment_id, attempt=number, charged=charged))


def number_of(payment: PaymentFacts) -> int:
    """Of the try that was begun, or of the next."""
    return payment.attempts if payment.status is PaymentStatus.PROCESSING else payment.attempts + 1
