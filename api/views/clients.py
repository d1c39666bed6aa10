"""Clients, their timeline and tasks, as they are answered.

A client's side of the practice never learns of an archive: fields that would tell it are left out of the answer
altogether, not set to null.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, Field

from api.access_log.marking import OfNamedClient
from api.views.base import PracticeOnly, SignedInOnly, View
from api.views.data.facts import FactDocument, TaskDocument
from api.views.lists import Polled
from api.views.matches import MatchView
from api.views.money import CurrencyBalance
from models.reads.clients.clients import ClientRow
from models.tables.clients.client import Client
from rules.accounts.caller import Caller
from rules.archive.plan import MoneyLine
from rules.enums import ClientStatus, Source, Stage, TaskKind


class CardView(BaseModel):
    brand: str | None = None
    last4: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None


class ClientView(View):
    WHOSE: ClassVar[str] = "id"

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
    outstanding_forms: SignedInOnly[list[str]] = Field(default=[])
    portal_settings: dict[str, bool]
    unsubscribed: bool
    next_appointment_at: SignedInOnly[datetime | None] = None
    card: SignedInOnly[CardView | None] = None
    created_at: datetime
    status: PracticeOnly[ClientStatus] = ClientStatus.ACTIVE
    archived_at: PracticeOnly[datetime | None] = None
    closed_at: PracticeOnly[datetime | None] = None
    joined_into: PracticeOnly[UUID | None] = None
    source: PracticeOnly[Source] = Source.MATCHING_FORM
    note: PracticeOnly[str | None] = None
    made_by: PracticeOnly[str] = ""
    match: PracticeOnly[MatchView | None] = None


def client_view(row: ClientRow, *, caller: Caller) -> ClientView:
    return ClientView.of(row.client, row, caller=caller, **_shown_of(row.client, caller))


def _shown_of(client: Client, caller: Caller) -> dict[str, Any]:
    return {
        "stage": client.stage if caller.is_practice else client.stage_shown,
        "group": client.group_id,
        "card": client.card or None,
    }


class ListedClientView(ClientView):
    """``credit`` and ``owed`` are minor units of the client's own ``currency``; ``money`` has every currency in which
    there is any."""

    credit: PracticeOnly[int] = 0
    owed: PracticeOnly[int] = 0
    currency: PracticeOnly[str] = ""
    money: PracticeOnly[list[CurrencyBalance]] = Field(default=[])


class TabsView(View):
    """How many clients each tab of the list has with this filter, whatever ``status`` it asks for; ``groups``: how many
    there are."""

    active: int
    archived: int
    groups: int


class ListedClients(Polled[ListedClientView]):
    totals: PracticeOnly[TabsView | None] = None


def listed_client_view(row: ClientRow, money: Sequence[MoneyLine], *, caller: Caller) -> ListedClientView:
    """``money``: in the client's own currency first; none for whoever is told of no money here."""
    told: dict[str, Any] = {}
    if money:
        own = money[0]
        told = {"credit": own.credit, "owed": own.owed, "currency": own.currency}
        told["money"] = [CurrencyBalance.of(line) for line in money]
    return ListedClientView.of(row.client, row, caller=caller, **_shown_of(row.client, caller), **told)


class FactView(View):
    """``words`` are what the person said about it: a reason, a note."""

    seq: int
    at: datetime
    actor: str
    kind: str
    text: str
    data: FactDocument
    words: str | None
    digest: str
    key_id: str
    previous_key_id: str | None
    previous_hash: str
    hash: str


class FaultView(BaseModel):
    """What does not hold, of the entries ``entry`` to ``last``, in a sentence."""

    entry: int
    last: int
    what: str


class VerifiedView(BaseModel):
    """``broken`` says in a sentence where the chain does not hold first, ``faults`` everywhere."""

    valid: bool
    facts: int
    head: str
    broken: str | None
    faults: list[FaultView]


class TaskView(View, OfNamedClient):
    """``client_id`` is null for what is about no client of ours."""

    id: UUID
    client_id: UUID | None
    kind: TaskKind
    text: str
    data: TaskDocument
    opened_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    note: str | None


class ListedTasks(Polled[TaskView]):
    """``totals``: how many there are of each kind, over all pages and whatever ``kind`` it asks for; a kind of which
    there is none is left out."""

    totals: dict[TaskKind, int] = Field(default_factory=dict)
