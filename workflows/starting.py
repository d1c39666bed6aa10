"""With what a workflow starts when nothing is known but its id: the database knows all the rest.

Whoever starts one anew goes by this: the keeper, a request that meets a workflow which has ended, and the commands of
``ops``.
"""

from dataclasses import dataclass

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from rules.keeping import Kept, kept
    from workflows.messages import (
        APPOINTMENT_JOURNEY,
        BULK_ARCHIVE,
        CLIENT_JOURNEY,
        PRACTICE_MAIL,
        PRACTICE_MAIL_ID,
        RECONCILE_PAYMENTS,
        WAITLIST_OFFER,
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
    type, field, summary = _BY_KIND[kind]
    return Beginning(workflow=type, input={field: key}, summary=summary)


_BY_KIND = {
    Kept.JOURNEY: (CLIENT_JOURNEY, "client_id", "One client's care journey"),
    Kept.APPOINTMENT: (APPOINTMENT_JOURNEY, "appointment_id", "An appointment"),
    Kept.WAITLIST: (WAITLIST_OFFER, "therapist", "A therapist's waitlist"),
    Kept.BULK_ARCHIVE: (BULK_ARCHIVE, "archive_id", "An archive of many clients"),
    Kept.COMPARISON: (RECONCILE_PAYMENTS, "reconciliation_id", "The ledger and Stripe, compared"),
}
