"""Disputes and inquiries, by Stripe's words for how they stand.

A dispute (chargeback) takes the money back at once, and a bank decides who keeps it. An inquiry is only a question: no
money has moved, and a refund to the card ends it. Either can follow the other, under one id.
"""

from datetime import datetime

LOST = "lost"
"""Of a dispute whose money went back to the client for good."""

INQUIRIES = frozenset({"warning_needs_response", "warning_under_review", "warning_closed"})
ENDED = frozenset({"won", LOST, "warning_closed", "prevented"})
NOT_TAKEN = frozenset({*INQUIRIES, "won", "prevented"})
"""The money is where it was: never taken, or given back. What is prevented was refunded before it came to that."""


def is_inquiry(status: str) -> bool:
    return status in INQUIRIES


def has_ended(status: str) -> bool:
    return status in ENDED


def freezes(status: str) -> bool:
    """Whether a dispute that is first heard of as standing so holds up the client's charges: one that takes, or took,
    money, whatever became of it."""
    return status not in INQUIRIES and status != "prevented"


def in_words(status: str) -> str:
    return status.replace("_", " ")


def advice(*, ref: str, status: str, reason: str, answer_by: str | None) -> str:
    """What a task says of a dispute or an inquiry as it stands, and what helps. ``answer_by``: until when Stripe takes
    an answer, written out; None where it takes none."""
    because = in_words(reason)
    until = f" by {answer_by}" if answer_by else ""
    if status == "warning_closed":
        return f"The inquiry about a charge of client {ref} ({because}) is closed. Nothing is left to do."
    if status == "warning_under_review":
        return (
            f"The bank of client {ref} asks about a charge ({because}) and looks at the answer. No money has moved. "
            "A refund of all of it to the card still ends the inquiry."
        )
    if is_inquiry(status):
        return (
            f"The bank of client {ref} asks about a charge ({because}). No money has moved, and charges go on. Refund "
            f"all of it to the card, which ends the inquiry, or answer it in Stripe{until}."
        )
    held = "Nothing is charged automatically until this task is resolved."
    asks = f"The bank of client {ref} disputes a charge ({because})."
    if has_ended(status):
        kept = {"won": "The practice keeps the money.", LOST: "The client has the money back; do not refund it."}
        return f"{asks} It was decided already: {in_words(status)}. {kept.get(status, '')} {held}".replace("  ", " ")
    if status.endswith("under_review"):
        return f"{asks} The bank looks at the answer; it decides. {held}"
    return f"{asks} Answer it in Stripe{until}. {held}"


def last_day(due: datetime | None) -> str | None:
    """An instant as a task names it, in UTC: ``2026-03-09 15:00 UTC``."""
    return f"{due:%Y-%m-%d %H:%M} UTC" if due else None
