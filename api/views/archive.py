"""Archives of many clients, as they are answered: what one would come to, and what became of it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from api.access_log.marking import OfClient
from api.views.base import View
from models.reads.archive.bulk import ArchiveRow
from models.tables.clients.client import Client
from rules.archive.bulk import reason_to_skip
from rules.archive.plan import ArchivePlan, MoneyLine
from rules.enums import ArchiveResult, ClientStatus


class MoneyTotals(View):
    currency: str
    credit: int
    owed: int


class ClientPreview(OfClient):
    """``appointments`` and ``payments`` count what would be cancelled; ``credit`` and ``owed`` are minor units of the
    client's own ``currency`` as they would be after it, and ``money`` has every currency in which there is any.
    ``because`` says why a client would be skipped."""

    client_id: UUID
    ref: str
    name: str
    credit: int
    owed: int
    currency: str
    money: list[MoneyTotals]
    appointments: int
    payments: int
    already_archived: bool
    because: str | None


class PreviewTotalsView(BaseModel):
    """Of all clients. ``credit``, ``owed`` and ``currency`` are null where there are several currencies:
    ``money`` has them by currency."""

    clients: int
    already_archived: int
    appointments: int
    payments: int
    credit: int | None
    owed: int | None
    currency: str | None
    money: list[MoneyTotals]


class BulkPreview(BaseModel):
    """``next_offset``: where the lines go on, if there are more; the totals are of all."""

    clients: list[ClientPreview]
    next_offset: int | None
    totals: PreviewTotalsView


class BulkStarted(BaseModel):
    archive_id: UUID


class ResultView(View, OfClient):
    """``result`` is ``pending``, ``archived``, ``skipped`` or ``failed``; ``because`` says why it was one of the last
    two."""

    client_id: UUID
    ref: str
    name: str
    result: ArchiveResult
    because: str | None
    done_at: datetime | None


class BulkSummary(View):
    """``status`` is ``running`` or ``finished``; ``done`` of ``total`` clients have a result. Whether a running one was
    ended in the engine by somebody, only its own view knows."""

    archive_id: UUID
    status: str
    asked_by: str
    asked_at: datetime
    finished_at: datetime | None
    group_id: UUID | None
    reason: str | None
    notify: bool
    total: int
    done: int
    archived: int
    skipped: int
    failed: int


class BulkView(BulkSummary):
    """``results`` has a page of the clients whom the caller may see: those who failed first, then in the order asked
    for. A therapist may have asked for some
    who were matched to somebody else since: they count in the numbers, and have no line.

    ``status`` is ``stopped`` where the workflow was ended in the engine before it had finished. Whoever is ``pending``
    stays so: nobody else is asked, and a journey that was asked may still archive its client.
    """

    results: list[ResultView]
    next_cursor: str | None


def by_currency(money: Iterable[MoneyLine]) -> list[MoneyTotals]:
    return [MoneyTotals.of(line) for line in money]


def client_preview(client: Client, plan: ArchivePlan) -> ClientPreview:
    return ClientPreview(
        client_id=client.id,
        ref=client.ref,
        name=client.full_name,
        test=client.test,
        credit=plan.own_money.credit,
        owed=plan.own_money.owed,
        currency=plan.currency,
        money=by_currency(plan.money),
        appointments=len(plan.appointments),
        payments=len(plan.payments),
        already_archived=client.status is ClientStatus.ARCHIVED,
        because=reason_to_skip(
            status=client.status, closed=client.closed_at is not None, joined=client.joined_into is not None
        ),
    )


def summary_of(row: ArchiveRow) -> dict[str, Any]:
    """What a summary says beside the archive's own row."""
    numbers = row.numbers
    total = sum(numbers.values())
    return {
        "archive_id": row.archive.id,
        "status": "finished" if row.archive.finished_at else "running",
        "total": total,
        "done": total - numbers.get(ArchiveResult.PENDING, 0),
        "archived": numbers.get(ArchiveResult.ARCHIVED, 0),
        "skipped": numbers.get(ArchiveResult.SKIPPED, 0),
        "failed": numbers.get(ArchiveResult.FAILED, 0),
    }
