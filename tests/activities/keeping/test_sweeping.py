"""A round of the keeper takes away what counts for nothing any more, and nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import select

from activities.keeping import rounds
from models.reads.events.events import EventsGone, events_after
from models.tables import (
    Appointment,
    FormAnswer,
    FormDraft,
    FormRequest,
    FormUpload,
    FormUploadContent,
    OccupiedTime,
    OutboxItem,
    RowChange,
)
from models.tables.accounts.budget import BudgetUse
from models.tables.accounts.idempotency import IdempotencyKey
from models.tables.accounts.token import Token, TokenKind
from models.tables.mail.outbox import UNSETTLED, OutboxKind, OutboxStatus
from models.writes.events.publish import publish
from models.writes.keeping import sweeping
from models.writes.keeping.sweeping import sweep
from rules.accounts.limits import ENDED_TOKENS_KEPT
from rules.changes import ChangedKind
from rules.enums import AppointmentStatus, AppointmentType
from rules.events.kinds import EventKind
from rules.forms.drafts import DRAFTS_KEPT
from rules.mail.events import ADDRESSES_KEPT
from tests.activities.keeping.conftest import Kept
from tests.care.rows import DAY

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def token(name: str, now: datetime, *, ends: timedelta, **ended: Any) -> Token:
    return Token(hash=name, kind=TokenKind.RESET, made_at=now - 90 * DAY, expires_at=now + ends, **ended)


def answer(key: str, at: datetime) -> IdempotencyKey:
    whose: Any = {"caller": "site", "route": "POST /v1/journeys", "body_hash": "x", "request_id": uuid4()}
    return IdempotencyKey(key=key, claimed_at=at, alive_at=at, **whose)


async def test_a_round_takes_away_what_has_ended(kept: Kept) -> None:
    now, long_ago = await kept.deps.clock.now(), ENDED_TOKENS_KEPT + MINUTE
    await kept.rows.add(
        token("expired", now, ends=-long_ago),
        token("revoked", now, ends=DAY, revoked_at=now - long_ago),
        token("used", now, ends=DAY, used_at=now - long_ago),
        token("expired lately", now, ends=-DAY),
        token("revoked lately", now, ends=-long_ago, revoked_at=now - DAY),
        token("good", now, ends=DAY),
        BudgetUse(key="old", uses=[now - 2 * DAY], last_at=now - DAY - MINUTE),
        BudgetUse(key="counts", uses=[now - DAY + MINUTE], last_at=now - DAY + MINUTE),
        answer("old", now - DAY - MINUTE),
        answer("kept", now - DAY + MINUTE),
    )
    await kept.round()
    async with kept.sessions() as session:
        assert set(await session.exec(select(Token.hash))) == {"expired lately", "revoked lately", "good"}
        assert list(await session.exec(select(BudgetUse.key))) == ["counts"]
        assert list(await session.exec(select(IdempotencyKey.key))) == ["kept"]


async def test_drafts_and_files_that_no_answer_names_go_after_thirty_days(kept: Kept) -> None:
    now, client = await kept.deps.clock.now(), (await kept.journey()).id
    asked = FormRequest(id=uuid4(), client_id=client, kind="old", version=1, requested_at=now, requested_by="x")
    answer = FormAnswer(id=uuid4(), request_id=asked.id, answers={}, signature="S", answered_by="x", answered_at=now)
    await kept.rows.add(asked)
    await kept.rows.add(answer)
    for name, saved in (("old", now - DRAFTS_KEPT), ("kept", now - DRAFTS_KEPT + MINUTE)):
        await kept.rows.add(FormDraft(client_id=client, kind=name, version=1, answers={}, saved_by="x", saved_at=saved))
    files = {"old": now - DRAFTS_KEPT, "wanted": now - DRAFTS_KEPT + MINUTE, "answered": now - 90 * DAY}
    for name, wanted in files.items():
        upload = FormUpload(
            id=uuid4(), client_id=client, kind="old", field=name, filename="a.txt", content_type="text/plain", size=1,
            sha256="0", uploaded_by="x", uploaded_at=now - 90 * DAY, wanted_at=wanted,
            answer_id=answer.id if name == "answered" else None,
        )  # fmt: skip
        await kept.rows.add(upload, FormUploadContent(upload_id=upload.id, number=0, content=b"x"))
    await kept.round()
    async with kept.sessions() as session:
        assert list(await session.exec(select(FormDraft.kind))) == ["kept"]
        assert set(await session.exec(select(FormUpload.field))) == {"wanted", "answered"}
        assert len(list(await session.exec(select(FormUploadContent.number)))) == 2


async def test_holds_go_when_they_are_over_and_appointments_stay(kept: Kept) -> None:
    now = await kept.deps.clock.now()
    booked = await kept.appointment(await kept.journey(), starts_at=now - 30 * DAY)
    for number, ends in enumerate((-DAY - MINUTE, -MINUTE, MINUTE)):
        start = now + (number + 1) * DAY
        held: Any = {"type": AppointmentType.SESSION, "starts_at": start, "ends_at": start + MINUTE, "made_by": "site"}
        therapist: Any = {"therapist_id": booked.therapist_id, "made_at": now, "expires_at": now + ends}
        await kept.rows.add(OccupiedTime(id=uuid4(), **held, **therapist))
    async with kept.sessions() as session:
        assert (await sweep(session, at=now))["holds"] == 1
        left = (await session.exec(select(OccupiedTime))).all()
    assert sum(row.expires_at is not None for row in left) == 2


async def test_for_whom_a_booking_counted_is_forgotten_once_it_counts_no_more(kept: Kept) -> None:
    now = await kept.deps.clock.now()
    unknown, known = await kept.journey(), await kept.journey(account_active=True)
    marked: Any = {"visitor": "v" * 64, "network": "n" * 64}
    counts = await kept.appointment(unknown, starts_at=now + DAY, **marked)
    await kept.appointment(unknown, starts_at=now - DAY, **marked)
    await kept.appointment(unknown, starts_at=now + 2 * DAY, status=AppointmentStatus.CANCELLED, **marked)
    await kept.appointment(known, starts_at=now + 3 * DAY, **marked)
    async with kept.sessions() as session:
        assert (await sweep(session, at=now))["visitors of bookings"] == 3
        rows = (await session.exec(select(Appointment))).all()
        assert [row.id for row in rows if row.visitor or row.network] == [counts.id]


def mail(key: str, made_at: datetime, status: OutboxStatus, **more: Any) -> OutboxItem:
    more = {"recipient": f"{key}@example.com", "order": {"key": key}, "message_id": key} | more
    return OutboxItem(key=key, kind=OutboxKind.MAIL, status=status, made_at=made_at, **more)


async def test_where_a_mail_went_is_forgotten_once_nothing_comes_of_it_any_more(kept: Kept) -> None:
    now, sent = await kept.deps.clock.now(), OutboxStatus.SENT
    over, counts = now - ADDRESSES_KEPT - MINUTE, now - ADDRESSES_KEPT + MINUTE
    await kept.rows.add(
        mail("sent", over, sent, sent_at=over),
        mail("sent-late", over, sent, sent_at=counts),
        mail("sent-lately", counts, sent, sent_at=counts),
        mail("perhaps-sent", over, OutboxStatus.UNCERTAIN, next_try_at=over),
        mail("perhaps-sent-late", over, OutboxStatus.UNCERTAIN, next_try_at=counts),
        mail("dropped", over, OutboxStatus.NOT_WANTED, next_try_at=over),
        *(mail(status.value, over, status, next_try_at=over) for status in UNSETTLED),
    )
    async with kept.sessions() as session:
        assert (await sweep(session, at=now))["addresses of mails"] == 3
        rows = {row.key: row for row in (await session.exec(select(OutboxItem))).all()}
    assert {key for key, row in rows.items() if not row.recipient} == {"sent", "perhaps-sent", "dropped"}
    # What keeps a reason from being mailed again, and finds the mail again, stays.
    assert (rows["sent"].message_id, rows["sent"].order, rows["sent"].status) == ("sent", {"key": "sent"}, sent)


async def test_a_round_takes_no_more_than_it_can(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    now = await kept.deps.clock.now()
    await kept.rows.add(*(BudgetUse(key=str(n), uses=[], last_at=now - 2 * DAY) for n in range(5)))
    monkeypatch.setattr(sweeping, "AT_ONCE", 2)
    for left in (2, 2, 1, 0):
        async with kept.sessions() as session:
            assert (await sweep(session, at=now))["budgets"] == left
            await session.commit()


async def test_events_go_when_they_are_old_and_who_asks_for_them_is_told(kept: Kept) -> None:
    now, days = await kept.deps.clock.now(), kept.deps.policy.events_kept
    async with kept.sessions() as session:
        for at in (now - days - DAY, now - days - MINUTE, now - days + MINUTE, now):
            publish(session, EventKind.CARD_SAVED, at=at)
        await session.commit()
        every = (await events_after(session, None, for_site=True, limit=9)).events
        ids = [event.id or 0 for event in every if event.kind is EventKind.CARD_SAVED]
    await kept.round()
    async with kept.sessions() as session:
        with pytest.raises(EventsGone):
            await events_after(session, ids[0], for_site=True, limit=9)
        left = (await events_after(session, ids[1], for_site=True, limit=9)).events
        assert [event.id for event in left] == ids[2:]


async def test_of_what_has_changed_the_last_time_of_each_thing_stays(kept: Kept) -> None:
    """By the database's own clock, by which it was noted, whatever the time of the product."""
    now, whose, item, other = datetime.now(UTC), uuid4(), uuid4(), uuid4()

    def change(xid: int, ago: timedelta, **columns: Any) -> RowChange:
        usual: Any = {"client_id": whose, "kind": ChangedKind.TASK, "item": item, "shown": False}
        return RowChange(xid=xid, at=now - ago, **usual | columns)

    await kept.rows.add(
        change(1, 3 * DAY + HOUR),
        change(2, 3 * DAY - HOUR),
        change(3, 3 * DAY + HOUR, item=uuid4()),  # the only one of its thing
        change(4, 3 * DAY + HOUR, shown=True),
        change(5, 90 * DAY, item=other),
        change(6, HOUR, item=other),
        change(7, 90 * DAY, item=uuid4()),
    )
    async with kept.sessions() as session:
        swept = await sweep(session, at=await kept.deps.clock.now())
        await session.commit()
        left = await session.exec(select(RowChange.xid).where(RowChange.client_id == whose))
        assert sorted(left) == [2, 3, 4, 6, 7]
    assert (swept["changes"], swept["changes that are followed"]) == (1, 1)


async def test_a_round_goes_on_until_little_is_left(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "AT_ONCE", 2)
    monkeypatch.setattr(rounds, "AT_ONCE", 2)
    now = await kept.deps.clock.now()
    await kept.rows.add(*(BudgetUse(key=f"old {n}", uses=[now - 2 * DAY], last_at=now - 2 * DAY) for n in range(5)))
    await kept.round()
    async with kept.sessions() as session:
        assert (await session.exec(select(BudgetUse.key))).all() == []
