"""Every exception of a period in one list: who set which rule aside, why and when."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from api.access_log.declared import shows
from api.access_log.marking import OfClient
from api.dates import days_asked
from api.deps import CareTeamOrAdmin, Now, Svc, page_of
from api.idempotency import IdempotentRoute
from api.problems import responses
from api.views.lists import Listed, cut, listed
from models.paging import Page
from models.reads.clients.exceptions import ExceptionRow
from models.reads.clients.exceptions import list_exceptions as read_list_exceptions
from rules.accounts.accesses import AccessKind
from rules.clients.exceptions import ExceptionKind, set_aside_in

router = APIRouter(
    prefix="/v1", tags=["exceptions"], route_class=IdempotentRoute, dependencies=[shows(AccessKind.RECORD)]
)

_MOST_DAYS = 366


class MadeExceptionView(OfClient):
    """``who`` is how the timeline names them, ``why`` what they said; null where nobody said anything. ``approved_by``:
    the second person, where one was needed. ``rules``: which of a time's rules were set aside.

    An admin, who sees no client, is told of each its kind, who, when, the amount and the reference, and why only of an
    opening: the other reasons are about the client.
    """

    kind: ExceptionKind
    at: datetime
    who: str
    text: str
    ref: str
    amount: int | None
    currency: str | None
    approved_by: str | None
    why: str | None = None
    client_id: UUID | None = None
    name: str | None = None
    appointment_ids: list[UUID] = Field(default=[])
    payment_id: UUID | None = None
    rules: list[str] = Field(default=[])


@router.get(
    "/exceptions",
    summary="Every exception of a period, the newest first",
    response_model_exclude_unset=True,
    responses=responses(),
)
async def list_exceptions(
    *,
    services: Svc,
    caller: CareTeamOrAdmin,
    now: Now,
    page: Annotated[Page, Depends(page_of(datetime, str))],
    first: Annotated[date | None, Query(alias="from", description="A date; 30 days before `to` if left out.")] = None,
    last: Annotated[date | None, Query(alias="to", description="A date, included; today if left out.")] = None,
    kind: Annotated[ExceptionKind | None, Query()] = None,
    test: Annotated[bool, Query(description="Those of test clients, instead of all others.")] = False,
) -> Listed[MadeExceptionView]:
    """Dates are the practice's, at most 366 of them."""
    zone = ZoneInfo(services.settings.policy.time_zone)
    begin, end = days_asked(first, last, today=now.astimezone(zone).date(), most=_MOST_DAYS)
    async with services.sessions() as session:
        found = await read_list_exceptions(
            session,
            first=_instant(begin, zone),
            end=_instant(end + timedelta(days=1), zone),
            kind=kind,
            test=test,
            page=page,
        )
    rows, behind = cut(found, page)
    views = [_view(row, sees_clients=caller.is_practice) for row in rows]
    return listed(views, (behind.fact.at, behind.fact.hash) if behind else None)


def _instant(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def _view(row: ExceptionRow, *, sees_clients: bool) -> MadeExceptionView:
    fact, data = row.fact, row.fact.data
    told = MadeExceptionView(
        kind=row.kind,
        at=fact.at,
        who=fact.actor,
        text=fact.text,
        ref=row.client.ref,
        test=row.client.test,
        amount=data.get("amount"),
        currency=data.get("currency"),
        approved_by=data.get("approved_by") or (data.get("exception") or {}).get("approved_by"),
    )
    if sees_clients or row.kind is ExceptionKind.OPENING:
        told.why = row.why
    if sees_clients:
        told.client_id, told.name = row.client.id, row.client.full_name
        told.appointment_ids = [UUID(id) for id in _appointments_in(data)]
        told.payment_id = UUID(data["payment_id"]) if "payment_id" in data else None
        told.rules = set_aside_in(data)
    return told


def _appointments_in(data: dict[str, object]) -> list[str]:
    """The appointments that a fact is about, however it names them."""
    if "appointment_id" in data:
        return [str(data["appointment_id"])]
    listed = data.get("appointments")
    if not isinstance(listed, list):
        return []
    return [str(one["id"] if isinstance(one, dict) else one) for one in listed]
