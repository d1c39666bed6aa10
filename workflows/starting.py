"""With what a workflow starts when nothing is known but its id: the database knows all the rest.

Whoever starts one anew goes by this: the keeper, a request that meets a workflow which has ended, and the commands of
``ops``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.types.reconciliation import ReconciliationOrder
    from rules.accounts.caller import SYSTEM
    from rules.keeping import Kept, kept
    from workflows.messages import (
        APPOINTMENT_JOURNEY,
        BULK_ARCHIVE,
        CLIENT_JOURNEY,
        OUTSIDE_CALENDAR,
        PRACTICE_MAIL,
        PRACTICE_MAIL_ID,
        RECONCILE_PAYMENTS,
        REENCRYPT,
        WAITLIST_OFFER,
        WEBHOOK_ENDPOINT,
        AppointmentInput,
        BulkArchiveInput,
        CalendarInput,
        JourneyInput,
        ReconciliationInput,
        ReencryptInput,
        WaitlistInput,
        WebhookInput,
    )


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """``workflow`` is the type; ``summary`` labels it in lists until it tells more itself."""

    workflow: str
    input: object
    summary: str


def beginning_of(workflow_id: str) -> Beginning:
    """Raises ValueError for an id that is none of ours."""
    if workflow_id == PRACTICE_MAIL_ID:
        return Beginning(workflow=PRACTICE_MAIL, input=None, summary="Mails that belong to no open journey")
    known = kept(workflow_id)
    if known is None:
        message = f"{workflow_id!r} names no workflow that follows a row"
        raise ValueError(message)
    kind, key = known
    workflow, summary, input_of = _BY_KIND[kind]
    return Beginning(workflow=workflow, input=input_of(key), summary=summary)


def _comparison(id: str) -> ReconciliationInput:
    """Its row, which is there, says what is to be compared, and who asked."""
    return ReconciliationInput(order=ReconciliationOrder(id=id, asked_by=SYSTEM))


_BY_KIND: Mapping[Kept, tuple[str, str, Callable[[str], object]]] = {
    Kept.JOURNEY: (CLIENT_JOURNEY, "One client's care journey", lambda id: JourneyInput(client_id=id)),
    Kept.APPOINTMENT: (APPOINTMENT_JOURNEY, "An appointment", lambda id: AppointmentInput(appointment_id=id)),
    Kept.WAITLIST: (WAITLIST_OFFER, "A therapist's waitlist", lambda slug: WaitlistInput(therapist=slug)),
    Kept.BULK_ARCHIVE: (BULK_ARCHIVE, "An archive of many clients", lambda id: BulkArchiveInput(archive_id=id)),
    Kept.COMPARISON: (RECONCILE_PAYMENTS, "The ledger and Stripe, compared", _comparison),
    Kept.REENCRYPTION: (REENCRYPT, "Everything that is sealed, sealed anew", lambda id: ReencryptInput(id=id)),
    Kept.WEBHOOK: (WEBHOOK_ENDPOINT, "Tells a program of events", lambda id: WebhookInput(endpoint_id=id)),
    Kept.CALENDAR: (OUTSIDE_CALENDAR, "A calendar that a therapist keeps elsewhere", lambda id: CalendarInput(id=id)),
}
