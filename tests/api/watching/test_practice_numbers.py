"""The practice's numbers: what is counted, what is not, and what it costs."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.mail.send import next_try
from api.watching.practice import EVERY, WatchedPractice
from models.database import Sessions
from models.schema import Fit, Schema
from models.tables import OutboxItem, Task
from models.tables.events.webhook import WebhookDelivery, WebhookRecord
from models.tables.keeping.keeping import Keeping, Resumption
from models.tables.mail.inbound_event import InboundEvent
from models.tables.mail.outbox import OutboxKind, OutboxStatus
from models.tables.money.payment import PaymentTry
from models.tables.money.reconciliation import Reconciliation
from rules.enums import AppointmentStatus, ClientStatus, PaymentStatus, Stage, TaskKind
from rules.events.webhooks import DeliveryState, EndpointOff, EndpointSide
from rules.keeping import LATE_BY, TRIED_FOR_LONG, ResumedBecause
from tests.api.conftest import StandingClock
from tests.api.watching.scraped import Scraped
from tests.care.rows import DAY, NOW, Rows

HOUR, MOMENT = timedelta(hours=1), timedelta(seconds=1)


@pytest.fixture(autouse=True)
def looked_up_anew(app: FastAPI) -> None:
    """By each scrape."""
    app.state.services.practice.every = timedelta()


async def scraped(api: httpx.AsyncClient) -> Scraped:
    return Scraped.of((await api.get("/metrics")).text)


def outbox_row(**columns: Any) -> OutboxItem:
    usual: dict[str, Any] = {
        "kind": OutboxKind.MAIL,
        "template": "task",
        "order": {},
        "made_at": NOW,
        "next_try_at": NOW,
    }
    return OutboxItem(key=str(uuid4()), **usual | columns)


async def test_an_empty_practice_has_every_number(api: httpx.AsyncClient) -> None:
    """So that a rule about one never means that it is missing."""
    found = await scraped(api)
    assert found.of_each("api_reachable", "what") == {"database": 1, "engine": 1, "schema": 1}
    assert found.of_each("practice_journeys", "stage") == {}
    assert {dict(labels)["stage"] for name, labels in found.numbers if name == "practice_journeys"} == set(Stage)
    assert {dict(labels)["kind"] for name, labels in found.numbers if name == "practice_open_tasks"} == set(TaskKind)
    assert {name for name in found.names if name.startswith("practice_")} == NAMES


NAMES = {
    "practice_charges",
    "practice_comparison_age_seconds",
    "practice_comparison_differences",
    "practice_journeys",
    "practice_keeper_round_age_seconds",
    "practice_keeper_round_resumed",
    "practice_keeper_unfinished",
    "practice_mails",
    "practice_oldest_unmarked_appointment_seconds",
    "practice_oldest_vendor_event_seconds",
    "practice_oldest_webhook_delivery_seconds",
    "practice_open_tasks",
    "practice_unmarked_appointments",
    "practice_vendor_events_waiting",
    "practice_webhook_deliveries_waiting",
}


async def test_journeys_by_stage(api: httpx.AsyncClient, rows: Rows) -> None:
    ana = await rows.therapist()
    for stage in (Stage.IN_CARE, Stage.IN_CARE, Stage.INTAKE):
        await rows.client(ana, stage=stage)
    await rows.client(ana, stage=Stage.ARCHIVED, status=ClientStatus.ARCHIVED, archived_at=NOW)
    await rows.client(ana, stage=Stage.IN_CARE, closed_at=NOW)
    await rows.client(ana, stage=Stage.IN_CARE, test=True)
    assert (await scraped(api)).of_each("practice_journeys", "stage") == {"in_care": 2, "intake": 1, "archived": 1}


async def test_charges(api: httpx.AsyncClient, rows: Rows, clock: StandingClock) -> None:
    """A charge is late by when it should have been tried, by when its try began, or by its deadline; one that was put
    off is not."""
    ana = await rows.therapist()
    sara = await rows.client(ana)
    longer = LATE_BY + MOMENT
    states = PaymentStatus
    cases: list[tuple[PaymentStatus, dict[str, Any]]] = [
        (states.SCHEDULED, {"due_at": NOW + HOUR}),
        (states.SCHEDULED, {"due_at": NOW - MOMENT}),  # due
        (states.SCHEDULED, {"due_at": NOW - longer}),  # due, late
        (states.SCHEDULED, {"due_at": NOW - longer, "next_try_at": NOW + HOUR}),
        (states.FAILED, {"due_at": NOW - HOUR, "next_try_at": NOW + HOUR}),
        (states.FAILED, {"due_at": NOW - HOUR, "next_try_at": NOW - longer}),  # due, late
        (states.REQUIRES_ACTION, {"due_at": NOW - HOUR}),
        (states.PROCESSING, {"due_at": NOW - 3 * DAY, "deadline": NOW - longer}),  # late
        (states.PROCESSING, {"due_at": NOW - HOUR, "tries": [HOUR]}),  # late: its try began an hour ago
        (states.PROCESSING, {"due_at": NOW - HOUR, "tries": [HOUR, MOMENT]}),  # another one began
        (states.PROCESSING, {"due_at": NOW - HOUR, "tries": [HOUR], "next_try_at": NOW + HOUR}),  # after a restore
        (states.FAILED, {"due_at": NOW - HOUR, "tries": [HOUR], "next_try_at": NOW + HOUR}),
        (states.OWED, {"due_at": NOW - 3 * DAY}),
        (states.PAID, {"due_at": NOW - 3 * DAY, "paid_at": NOW, "stated": {}}),
        (states.CANCELLED, {"due_at": NOW - 3 * DAY, "because": "archived"}),
    ]
    for number, (status, columns) in enumerate(cases):
        session = await rows.appointment(
            sara, ana, starts_at=NOW - (9 + number) * DAY, status=AppointmentStatus.OCCURRED
        )
        began = columns.pop("tries", [])
        payment = await rows.payment(session, status=status, **columns)
        await rows.add(
            *(
                PaymentTry(id=uuid4(), payment_id=payment.id, number=try_number, started_at=NOW - ago)
                for try_number, ago in enumerate(began, 1)
            )
        )
    made_up = await rows.client(ana, test=True)
    of_a_test = await rows.appointment(made_up, ana, starts_at=NOW - 9 * DAY, status=AppointmentStatus.OCCURRED)
    await rows.payment(of_a_test, due_at=NOW - DAY)
    found = (await scraped(api)).of_each("practice_charges", "state")
    assert found == {"due": 3, "late": 4, "failed": 4, "owed": 1}


async def test_appointments_without_an_outcome(api: httpx.AsyncClient, rows: Rows) -> None:
    """Those of an archived client are nobody's to mark."""
    ana = await rows.therapist()
    sara, gone = await rows.client(ana), await rows.client(ana, status=ClientStatus.ARCHIVED, stage=Stage.ARCHIVED)
    await rows.appointment(sara, ana)
    await rows.appointment(sara, ana, starts_at=NOW - 3 * DAY, status=AppointmentStatus.NO_SHOW)
    await rows.appointment(gone, ana, starts_at=NOW - 2 * DAY)
    assert (await scraped(api))["practice_oldest_unmarked_appointment_seconds"] == 0
    await rows.appointment(sara, ana, starts_at=NOW - DAY, ends_at=NOW - DAY + HOUR)
    found = await scraped(api)
    assert found["practice_unmarked_appointments"] == 1
    assert found["practice_oldest_unmarked_appointment_seconds"] == (DAY - HOUR).total_seconds()


async def test_mails(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.add(
        outbox_row(),
        outbox_row(next_try_at=NOW - LATE_BY - MOMENT, status=OutboxStatus.CLAIMED),
        outbox_row(next_try_at=NOW + HOUR),
        outbox_row(next_try_at=None),  # an archive put it off
        outbox_row(next_try_at=None, status=OutboxStatus.UNDELIVERABLE),
        outbox_row(next_try_at=None, status=OutboxStatus.UNWRITABLE),
        outbox_row(next_try_at=None, status=OutboxStatus.UNDELIVERABLE, made_at=NOW - 2 * DAY),
        outbox_row(next_try_at=None, status=OutboxStatus.SENT, sent_at=NOW),
    )
    assert (await scraped(api)).of_each("practice_mails", "state") == {"waiting": 2, "late": 1, "undeliverable": 2}


async def test_mails_are_late_while_the_mail_service_is_away(
    api: httpx.AsyncClient, rows: Rows, clock: StandingClock
) -> None:
    """Each try that fails moves the next one ahead; half an hour after the first one that is late all the same."""
    mail, now = outbox_row(), NOW
    await rows.add(
        mail,
        outbox_row(next_try_at=NOW + 2 * HOUR, made_at=NOW - DAY),  # for another day: never tried
        outbox_row(next_try_at=None, made_at=NOW - DAY, tries=9),  # an archive put it off
        outbox_row(next_try_at=NOW + HOUR / 2, tries=TRIED_FOR_LONG),  # a worker stops again and again
    )
    late = dict[timedelta, float]()
    for tries in range(1, 9):
        async with rows.sessions() as session:
            found = await session.get_one(OutboxItem, mail.key)
            found.tries, found.next_try_at = tries, next_try(tries, now=now)
            await session.commit()
        clock.time = now + MOMENT
        late[now - NOW] = (await scraped(api)).of_each("practice_mails", "state").get("late", 0)
        now = next_try(tries, now=now)
    assert all(bool(number) == (since >= LATE_BY) for since, number in late.items()), late


async def test_a_schema_that_does_not_fit(api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def found(_: Any) -> Schema:
        return Schema(fit)

    monkeypatch.setattr("api.routes.stack.health.schema_of", found)
    for fit in Fit:
        told = {what for what, value in (await scraped(api)).of_each("api_reachable", "what").items() if value}
        assert told == {"database", "engine"} | ({"schema"} if fit in (Fit.OK, Fit.NEWER) else set()), fit


async def test_open_tasks(api: httpx.AsyncClient, rows: Rows) -> None:
    def task(**columns: Any) -> Task:
        return Task(id=uuid4(), key=str(uuid4()), text="...", opened_at=NOW, **columns)

    await rows.add(
        task(kind=TaskKind.DISPUTE),
        task(kind=TaskKind.OVERDUE),
        task(kind=TaskKind.OVERDUE),
        task(kind=TaskKind.REFUND_FAILED, resolved_at=NOW),
    )
    assert (await scraped(api)).of_each("practice_open_tasks", "kind") == {"dispute": 1, "overdue": 2}


async def test_the_last_comparison_with_stripe(api: httpx.AsyncClient, rows: Rows, clock: StandingClock) -> None:
    """One that was stopped has not compared all. Before the first, the database's own age counts."""

    def comparison(**columns: Any) -> Reconciliation:
        return Reconciliation(id=uuid4(), asked_by="x", since=NOW, until=NOW, started_at=NOW - DAY, **columns)

    clock.time = NOW.replace(year=NOW.year + 10)
    assert (await scraped(api))["practice_comparison_age_seconds"] > DAY.total_seconds()
    clock.time = NOW
    await rows.add(
        comparison(finished_at=NOW - 2 * HOUR, differences=[{}]),
        comparison(finished_at=NOW - HOUR, differences=[{}, {}, {}]),
        comparison(finished_at=NOW - MOMENT, stopped=True),
        comparison(),
    )
    found = await scraped(api)
    assert found["practice_comparison_age_seconds"] == HOUR.total_seconds()
    assert found["practice_comparison_differences"] == 3


async def test_the_keepers_findings(api: httpx.AsyncClient, rows: Rows) -> None:
    last, before = (
        Keeping(id=uuid4(), asked_by="x", started_at=NOW - HOUR, finished_at=NOW - HOUR / 2),
        Keeping(id=uuid4(), asked_by="x", started_at=NOW - DAY, finished_at=NOW - DAY),
    )
    under_way = Keeping(id=uuid4(), asked_by="x", started_at=NOW)
    await rows.add(last, before, under_way)

    def resumption(round_: Keeping, because: ResumedBecause, **columns: Any) -> Resumption:
        return Resumption(
            workflow_id=str(uuid4()), run_id="r", because=because, keeping_id=round_.id, at=NOW, **columns
        )

    await rows.add(
        resumption(last, ResumedBecause.WEDGED, done_at=NOW),
        resumption(last, ResumedBecause.TERMINATED),
        resumption(before, ResumedBecause.WEDGED, done_at=NOW),
    )
    found = await scraped(api)
    assert found["practice_keeper_round_age_seconds"] == (HOUR / 2).total_seconds()
    assert found["practice_keeper_round_resumed"] == 2
    assert found["practice_keeper_unfinished"] == 1
    assert found.of_each("workflows_resumed_total", "because") == {"wedged": 2, "terminated": 1}


async def test_events_of_vendors_and_for_programs(api: httpx.AsyncClient, rows: Rows) -> None:
    def incoming(vendor: str, **columns: Any) -> InboundEvent:
        return InboundEvent(id=str(uuid4()), vendor=vendor, type="x", payload={}, **columns)

    def endpoint(**columns: Any) -> WebhookRecord:
        usual: dict[str, Any] = {"url": "https://a.example", "side": EndpointSide.PRACTICE, "secret": "s", "cursor": 0}
        return WebhookRecord(id=uuid4(), made_at=NOW, made_by="x", **usual | columns)

    def delivery(to: WebhookRecord, state: DeliveryState, made_at: Any) -> WebhookDelivery:
        return WebhookDelivery(id=uuid4(), endpoint_id=to.id, lane=uuid4(), state=state, made_at=made_at)

    on, off = endpoint(), endpoint(off_at=NOW, off_because=EndpointOff.GAVE_UP)
    await rows.add(
        on,
        off,
        incoming("stripe", received_at=NOW - HOUR),
        incoming("stripe", received_at=NOW - MOMENT),
        incoming("stripe", received_at=NOW - DAY, handled_at=NOW),
        delivery(on, DeliveryState.WAITING, NOW - HOUR),
        delivery(on, DeliveryState.DELIVERED, NOW - DAY),
        delivery(off, DeliveryState.WAITING, NOW - DAY),
    )
    found = await scraped(api)
    assert found.of_each("practice_vendor_events_waiting", "vendor") == {"stripe": 2}
    assert found.of_each("practice_oldest_vendor_event_seconds", "vendor") == {"stripe": HOUR.total_seconds()}
    assert found.numbers["practice_vendor_events_waiting", frozenset({("vendor", "sendgrid")})] == 0
    assert found["practice_webhook_deliveries_waiting"] == 1
    assert found["practice_oldest_webhook_delivery_seconds"] == HOUR.total_seconds()


# ---------------------------------------------------------------- what it costs


async def test_however_often_it_is_scraped_it_is_looked_up_once(
    app: FastAPI, api: httpx.AsyncClient, rows: Rows, sessions: Sessions, clock: StandingClock
) -> None:
    app.state.services.practice.every = EVERY
    await scraped(api)
    await rows.client(await rows.therapist(), stage=Stage.INTAKE)
    assert (await scraped(api)).of_each("practice_journeys", "stage") == {}
    assert timedelta(seconds=10) <= EVERY <= timedelta(minutes=1)
    app.state.services.practice.every = timedelta()
    assert (await scraped(api)).of_each("practice_journeys", "stage") == {"intake": 1}


async def test_what_cannot_be_looked_up_is_not_told(
    app: FastAPI, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An old number would look like a fine one; all else is told as ever."""
    assert "practice_journeys" in (await scraped(api)).names

    async def away(*_: Any, **__: Any) -> Any:
        raise OperationalError("", {}, Exception("gone"))

    monkeypatch.setattr("api.watching.practice.practice_numbers", away)
    names = (await scraped(api)).names
    assert not any(name.startswith("practice_") for name in names)
    assert "api_requests_total" in names


async def test_each_statement_is_answered_by_an_index(
    database: AsyncEngine, sessions: Sessions, clock: StandingClock, rows: Rows
) -> None:
    """Whatever is there grows; what these look at does not. Of a planner that avoids reading whole tables."""
    said: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        said.append((statement, parameters))

    practice = WatchedPractice(sessions, clock)
    event.listen(database.sync_engine, "before_cursor_execute", note)
    try:
        await practice.look()
    finally:
        event.remove(database.sync_engine, "before_cursor_execute", note)
    assert 10 <= len(said) <= 14
    read_whole = set()
    async with database.connect() as connection:
        await connection.execute(text("SET enable_seqscan = off"))
        for statement, parameters in said:
            plan = await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
            read_whole |= set(re.findall(r"Seq Scan on (\w+)", "\n".join(line for (line,) in plan)))
    assert read_whole <= {"resumption"}  # which is as long as what ever went wrong
