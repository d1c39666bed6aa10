"""A payment that is due, and what its client and the desk ask of it."""

from uuid import uuid4

from activities.types.archive import ArchiveOrder
from activities.types.clients import Done
from rules.refusals import Problem
from tests.care.practice import Practice


async def a_due_payment(practice: Practice, card: str | None = "pm_card_visa") -> tuple[str, str]:
    """A client and a payment that is due now."""
    sara = await practice.client()
    [session] = await practice.booked(sara)
    if card is not None:
        await practice.gives_card(sara, card)
    return sara, await practice.occurred(session)


def assert_does_not_wait(done: Done) -> None:
    assert done.refusal is not None
    told = (done.refusal.name, done.refusal.detail, done.document)
    assert told == (Problem.PAYMENT_NOT_OPEN, "This payment does not wait for the client.", None)


def archive_of(client: str) -> ArchiveOrder:
    return ArchiveOrder(client_id=client, request_id=str(uuid4()), by="care_team:desk")
