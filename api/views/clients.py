"""Clients, their timeline and tasks, as they are answered.

A client's side of the practice never learns of an archive: fields that would tell it are left out of the answer
altogether, not set to null.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from models.reads.clients.clients import ClientRow
from models.tables.clients.fact import Fact
from models.tables.clients.match import Match
from models.tables.clients.task import Task
from rules.accounts.caller import Caller
from rules.enums import ClientStatus, Source, Stage, TaskKind


class CardView(BaseModel):
    brand: str | None = None
    last4: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None


class ClientView(BaseModel):
    id: UUID
    ref: str
    stage: Stage
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    time_zone: str | None
    state: str | None
    therapist: str | None
    group: UUID | None
    test: bool
    account_active: bool
    outstanding_forms: list[str]
    portal_settings: dict[str, bool]
    unsubscribed: bool
    next_appointment_at: datetime | None
    card: CardView | None
    created_at: datetime
    # For the practice alone:
    status: ClientStatus = ClientStatus.ACTIVE
    archived_at: datetime | None = None
    closed_at: datetime | None = None
    joined_into: UUID | None = None
    source: Source = Source.MATCHING_FORM
    note: str | None = None
    made_by: str = ""
    match: dict[str, Any] | None = None


def client_view(row: ClientRow, *, caller: Caller) -> ClientView:
    client = row.client
    more: dict[str, Any] = {}
    if caller.is_practice:
        more = {
            "status": client.status,
            "archived_at": client.archived_at,
            "closed_at": client.closed_at,
            "joined_into": client.joined_into,
            "source": client.source,
            "note": client.note,
            "made_by": client.made_by,
        }
    return ClientView(
        id=client.id,
        ref=client.ref,
        stage=client.stage if caller.is_practice else client.stage_shown,
        **client.details(),
        therapist=row.therapist,
        group=client.group_id,
        test=client.test,
        account_active=client.account_active,
        outstanding_forms=list(row.outstanding_forms),
        portal_settings=client.portal_settings,
        unsubscribed=client.unsubscribed,
        next_appointment_at=row.next_appointment_at,
        card=CardView(**client.card) if client.card else None,
        created_at=client.created_at,
        **more,
    )


def match_document(match: Match, therapist: str | None) -> dict[str, Any]:
    """The explained match; one made by hand says who made it and why."""
    by_hand: dict[str, Any] = {"therapist": therapist, "score": None, "factors": [], "runners_up": [], "ruled_out": []}
    return {
        **(match.explanation or by_hand),
        "how": match.how.value,
        "reason": match.reason,
        "made_by": match.made_by,
        "made_at": match.made_at,
    }


class FactView(BaseModel):
    seq: int
    at: datetime
    actor: str
    kind: str
    text: str
    data: dict[str, Any]
    previous_hash: str
    hash: str


def fact_view(fact: Fact) -> FactView:
    return FactView(**fact.model_dump(exclude={"client_id"}))


class VerifiedView(BaseModel):
    """``broken`` says in a sentence where the chain does not hold."""

    valid: bool
    facts: int
    head: str
    broken: str | None


class TaskView(BaseModel):
    """``client_id`` is null for what is about no client of ours."""

    id: UUID
    client_id: UUID | None
    kind: TaskKind
    text: str
    data: dict[str, Any]
    opened_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    note: str | None


def task_view(task: Task) -> TaskView:
    return TaskView(**task.model_dump(exclude={"key"}))
