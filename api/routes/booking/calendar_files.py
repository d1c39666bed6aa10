"""Appointments as calendar files: one to download, and a private feed for each therapist's own calendar program.

A feed's address is its only key, because calendar programs send no token. It can be replaced at any time, and only a
hash of its secret is kept.
"""

import asyncio
import secrets
from datetime import UTC, datetime, time, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import sha256
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from api.access_log.declared import shows, shows_no_client
from api.access_log.shown import shows_clients, shows_to
from api.accounts.tokens import hash_of
from api.deps import Known, Now, Practice, Svc
from api.edge.answer_headers import ASKED_ABOUT_EACH_TIME
from api.idempotency import IdempotentRoute
from api.problems import must_find, not_found, responses
from api.reading.conditional import NOT_MODIFIED, VARY
from api.routes.booking.therapists import must_be_own
from calendars.appointment_file import Attendee, calendar_file, entry_of
from calendars.feed import Feed, FeedDay, FeedEvent, feed_file
from models.reads.accounts.makers import tester_of
from models.reads.booking.appointments import visible_appointment
from models.reads.booking.calendar_feeds import (
    FeedRow,
    FoundFeed,
    HeldTime,
    TimeAway,
    closures_since,
    feed_by_secret,
    feed_rows,
    held_times,
    times_away,
)
from models.reads.booking.therapists import therapist_by_slug
from models.tables.booking.appointment import Appointment
from models.tables.booking.calendar_feed import CalendarFeed
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client
from models.writes.booking.calendar_feeds import end_feed, note_content, put_feed
from rules.accounts.accesses import AccessEvent, AccessKind
from rules.accounts.caller import Caller, therapist_caller
from rules.refusals import Problem

router = APIRouter(
    prefix="/v1",
    tags=["calendars"],
    route_class=IdempotentRoute,
    dependencies=[shows_no_client("when a feed was made")],
)

_LOOKS_BACK = timedelta(days=30)
_FRESH_FOR = timedelta(minutes=5)
_A_FILE = shows(AccessKind.RECORD, AccessEvent.EXPORT)
_FILE: dict[int | str, dict[str, Any]] = {200: {"description": "A calendar file.", "content": {"text/calendar": {}}}}

# ---------------------------------------------------------------- one appointment


@router.head("/appointments/{appointment_id}/calendar.ics", include_in_schema=False, dependencies=[_A_FILE])
@router.get(
    "/appointments/{appointment_id}/calendar.ics",
    dependencies=[_A_FILE],
    summary="One appointment as a calendar file",
    description="The present invitation, or the cancellation: the same event as in the mails, so that a calendar which"
    " has it already is brought up to date.",
    response_class=Response,
    responses=_FILE | NOT_MODIFIED | responses(Problem.NOT_FOUND),
)
async def get_calendar_file(*, appointment_id: UUID, request: Request, services: Svc, caller: Known) -> Response:
    async with services.sessions() as session:
        row = must_find("appointment", await visible_appointment(session, caller, appointment_id))
        client = await session.get_one(Client, row.appointment.client_id)
        therapist = await session.get_one(Therapist, row.appointment.therapist_id)
        tester = await tester_of(session, client, care_team=services.settings.care_team_email)
    shows_clients(client.id)
    entry = entry_of(
        row.appointment,
        therapist,
        organizer_email=services.settings.email_from,
        attendee=_attendee(caller, client, therapist, tester),
        stamped_at=_changed_at(row.appointment),
    )
    content = calendar_file(entry)
    tag = _tag(content)
    headers = {
        "Content-Disposition": f'attachment; filename="{entry.filename}"',
        "Cache-Control": ASKED_ABOUT_EACH_TIME,
        "ETag": tag,
        "Vary": VARY,
    }
    if _is_known(request.headers.getlist("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=entry.content_type, headers=headers)


def _changed_at(appointment: Appointment) -> datetime:
    """The row does not keep when it was last changed, but how often: a stamp that grows with each change, and is the
    same at every reading."""
    return appointment.booked_at + timedelta(seconds=appointment.sequence)


def _tag(content: bytes) -> str:
    return f'"{sha256(content).hexdigest()[:32]}"'


def _attendee(caller: Caller, client: Client, therapist: Therapist, tester: str | None) -> Attendee | None:
    """Whoever asks, under the address that their mails go to: a test client's all go to the ``tester``."""
    name, email = (therapist.name, therapist.email) if caller.is_practice else (client.full_name, client.email)
    address = tester or email
    return Attendee(email=address, name=name) if address else None


# ---------------------------------------------------------------- a therapist's feed


class NewFeedView(BaseModel):
    """``url`` is told this once; whoever has it can read the calendar."""

    url: str
    made_at: datetime


class FeedView(BaseModel):
    made_at: datetime
    made_by: str


@router.post(
    "/therapists/{slug}/feed",
    status_code=201,
    summary="Make a therapist's calendar feed, or give it a new address",
    description="The old address leads nowhere from then on.",
    responses=responses(Problem.NOT_FOUND),
)
async def make_feed(slug: str, request: Request, services: Svc, caller: Practice, now: Now) -> NewFeedView:
    must_be_own(caller, slug)
    secret = secrets.token_urlsafe(32)
    async with services.sessions() as session:
        therapist = await _therapist(session, slug)
        await put_feed(session, therapist.id, secret_hash=hash_of(secret), at=now, by=caller.actor)
        await session.commit()
    url = request.url_for("read_feed", slug=slug, secret=secret)
    return NewFeedView(url=str(url), made_at=now)


@router.get(
    "/therapists/{slug}/feed",
    summary="When a therapist's feed was made, and by whom",
    responses=responses(Problem.NOT_FOUND),
)
async def get_feed(slug: str, services: Svc, caller: Practice) -> FeedView:
    must_be_own(caller, slug)
    async with services.sessions() as session:
        feed = must_find("feed", await session.get(CalendarFeed, (await _therapist(session, slug)).id))
    return FeedView(made_at=feed.made_at, made_by=feed.made_by)


@router.delete(
    "/therapists/{slug}/feed",
    status_code=204,
    summary="End a therapist's feed",
    responses=responses(Problem.NOT_FOUND),
)
async def remove_feed(slug: str, services: Svc, caller: Practice) -> None:
    must_be_own(caller, slug)
    async with services.sessions() as session:
        ended = await end_feed(session, (await _therapist(session, slug)).id)
        await session.commit()
    if not ended:
        raise not_found("feed")


async def _therapist(session: AsyncSession, slug: str) -> Therapist:
    return must_find("therapist", await therapist_by_slug(session, slug))


@router.head("/therapists/{slug}/feed/{secret}.ics", include_in_schema=False, dependencies=[_A_FILE])
@router.get(
    "/therapists/{slug}/feed/{secret}.ics",
    dependencies=[_A_FILE],
    summary="What takes a therapist's time, for a calendar program",
    description="Needs no token: the address is the key. Appointments that are not cancelled, from 30 days ago on;"
    " clients are named by their reference alone. Times that are held or offered are tentative, and name nobody."
    " With the therapist's time off, and the days on which the practice is closed. Answers 304 to the ETag or the time"
    " it gave, while nothing has changed.",
    response_class=Response,
    responses=_FILE | NOT_MODIFIED | responses(Problem.NOT_FOUND),
)
async def read_feed(*, slug: str, secret: str, request: Request, services: Svc, now: Now) -> Response:
    if not secret.isascii():
        raise not_found("feed")
    async with services.sessions() as session:
        found = must_find("feed", await feed_by_secret(session, slug, hash_of(secret)))
        contents = await _contents(session, found, services.settings.email_from, now=now)
    shows_to(therapist_caller(slug))
    feed, clients = contents
    shows_clients(*clients)
    content = await asyncio.to_thread(feed_file, feed)  # the first time of a full calendar takes a while
    tag = _tag(content)
    headers = {"ETag": tag, "Cache-Control": f"private, max-age={_FRESH_FOR // timedelta(seconds=1)}"}
    async with services.sessions() as session:
        changed_at = await note_content(session, found.feed, content_hash=tag.strip('"'), at=now)
        await session.commit()
    if changed_at is not None:
        headers["Last-Modified"] = format_datetime(changed_at.astimezone(UTC), usegmt=True)
    named = request.headers.getlist("if-none-match")
    if _is_known(named, tag) or (not named and _is_as_new(request.headers.get("if-modified-since"), changed_at)):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="text/calendar; charset=utf-8", headers=headers)


def _is_as_new(said: str | None, changed_at: datetime | None) -> bool:
    """Whether ``If-Modified-Since`` names the time of what would be sent, or a later one. What is no date counts for
    nothing."""
    if said is None or changed_at is None:
        return False
    try:
        named = parsedate_to_datetime(said)
    except (ValueError, OverflowError):
        return False
    return named.tzinfo is not None and changed_at <= named


async def _contents(
    session: AsyncSession, found: FoundFeed, organizer_email: str, *, now: datetime
) -> tuple[Feed, list[UUID]]:
    """The feed, and the clients whose appointments are in it. It begins on a day, and so stays the same for one."""
    since, therapist = now - _LOOKS_BACK, found.therapist
    first = since.astimezone(ZoneInfo(therapist.time_zone)).date()
    booked = await feed_rows(session, therapist.id, since=since)
    held = await held_times(session, therapist.id, now=now)
    away = await times_away(session, therapist.id, since=datetime.combine(first, time.min, UTC))
    events = [*map(_event, booked), *map(_held, held), *(_away(one, found.feed.made_at) for one in away)]
    feed = Feed(
        owner=therapist.name,
        time_zone=therapist.time_zone,
        organizer_email=organizer_email,
        made_at=found.feed.made_at,
        events=sorted(events, key=lambda event: (event.starts_at, event.id)),
        days=[
            FeedDay(id=str(closure.id), day=closure.day, name=closure.name, stamped_at=closure.made_at)
            for closure in await closures_since(session, first)
        ],
    )
    return feed, [row.appointment.client_id for row in booked]


def _event(row: FeedRow) -> FeedEvent:
    appointment = row.appointment
    return FeedEvent(
        id=str(appointment.id),
        sequence=appointment.sequence,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        stamped_at=_changed_at(appointment),
        mode=appointment.mode,
        join_url=appointment.join_url,
        about=f"{'Test client' if row.test else 'Client'} {row.client_ref}",
    )


def _held(row: HeldTime) -> FeedEvent:
    """Whoever holds it, or is offered it, is not named: it is nobody's yet."""
    return FeedEvent(
        id=str(row.time.id),
        sequence=0,
        starts_at=row.time.starts_at,
        ends_at=row.time.ends_at,
        stamped_at=row.time.made_at,
        mode=None,
        join_url=None,
        about="It is free again, unless it is booked.",
        summary="Offered" if row.offered else "Held",
        tentative=True,
    )


def _away(row: TimeAway, otherwise: datetime) -> FeedEvent:
    return FeedEvent(
        id=str(row.time_off.id),
        sequence=0,
        starts_at=row.time_off.starts_at,
        ends_at=row.time_off.ends_at,
        stamped_at=row.made_at or otherwise,
        mode=None,
        join_url=None,
        about="",
        summary="Away",
        away=True,
    )


def _is_known(given: list[str], tag: str) -> bool:
    """Whether ``If-None-Match`` names this tag; weak and strong ones are the same here."""
    named = [part.strip().removeprefix("W/") for line in given for part in line.split(",")]
    return tag in named or "*" in named
