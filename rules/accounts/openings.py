"""Openings (break glass): what a role does not show by itself, opened for an hour by a person who says why."""

from datetime import timedelta
from enum import StrEnum
from typing import Self
from uuid import UUID

from rules.accounts.caller import Caller
from rules.enums import Role
from rules.refusals import Problem, Refusal

LASTS = timedelta(minutes=60)


class OpeningKind(StrEnum):
    """What of a client's record can be opened."""

    label: str  # as a sentence names it

    def __new__(cls, value: str, label: str = "") -> Self:
        kind = str.__new__(cls, value)
        kind._value_, kind.label = value, label
        return kind

    INTAKE_ANSWERS = "intake_answers", "the answers of the forms"
    PRIVATE_NOTES = "private_notes", "the private notes"
    SHARED_NOTES = "shared_notes", "the shared notes"
    DIRECT_CHAT = "direct_chat", "the chat with the therapist"
    DOCUMENTS = "documents", "the documents"
    GOALS = "goals", "the goals"


def needs_opening(caller: Caller, what: OpeningKind) -> bool:
    """Whether the caller's role does not show it by itself. Of private notes nobody's role shows another's."""
    if caller.role is Role.THERAPIST:
        return what is OpeningKind.PRIVATE_NOTES
    return caller.role in (Role.CARE_TEAM, Role.ADMIN)


def can_open(caller: Caller, what: OpeningKind) -> bool:
    """Whether there is an opening of this for the caller's role at all."""
    if caller.role is Role.CARE_TEAM:
        return True
    return caller.role in (Role.THERAPIST, Role.ADMIN) and what is OpeningKind.PRIVATE_NOTES


def refuse_to_show(caller: Caller, what: OpeningKind, client_id: UUID) -> Refusal:
    """The answer to whoever needs an opening and has none in force."""
    if not can_open(caller, what):
        return Refusal(name=Problem.NOT_ALLOWED, detail=f"The role {caller.role.value} does not see {what.label}.")
    return Refusal(
        name=Problem.OPENING_REQUIRED,
        detail=f"Your role does not show {what.label}. That can be opened for an hour, with a reason.",
        data={"what": what.value, "client_id": client_id, "open": f"POST /v1/clients/{client_id}/openings"},
    )


def refuse_opening(caller: Caller, what: OpeningKind, *, by_person: bool, persons: bool, left: bool) -> Refusal | None:
    """Whether the caller, who may ask about the client, may not open this.

    ``by_person``: somebody who has signed in asks; ``persons``: the practice has such people. A key is no person, and
    opens only where there are none. ``left``: a therapist of the client has left the practice.
    """
    if persons and not by_person:
        return _not_allowed("Only a person who has signed in opens something: nobody stands behind a program's reason.")
    if not can_open(caller, what):
        return _not_allowed(f"The role {caller.role.value} has no opening of {what.label}.")
    if caller.role is Role.ADMIN and not left:
        return _not_allowed("An admin opens the private notes of a therapist who has left, and nobody else's.")
    return None


def _not_allowed(detail: str) -> Refusal:
    return Refusal(name=Problem.NOT_ALLOWED, detail=detail)
