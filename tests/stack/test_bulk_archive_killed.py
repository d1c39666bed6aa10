"""S60 with real processes: the worker is killed in the middle of an archive of many, and each is archived once."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from local.stack import LocalStack, Ports
from models.database import connect
from tests.care.defaults import Json, details
from tests.care.story import Care
from tests.stack.practice import add_therapist, care_of

CLIENTS, THERAPISTS = 30, 3
BEFORE_THE_KILL = 3  # archived by then
NEUTRAL = {"appointment_cancelled", "appointment_changed"}


@pytest.mark.crowd
@pytest.mark.timeout(480)
async def test_s60_the_worker_is_killed_in_the_middle_and_each_client_is_archived_once() -> None:
    async with (
        await LocalStack.start(ports=Ports.free(), seed=False) as stack,
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
    ):
        care = care_of(stack, http)
        database = connect(stack.database_url)
        clients = await _clients_with_money(care, database)
        mails = await care.mail_counts()
        body = {"client_ids": clients, "reason": "The group ends."}
        preview = await care.post("/v1/archives", {**body, "dry_run": True}, by="desk", expect=200)
        assert preview["totals"]["owed"] == CLIENTS * 12000

        started = await care.post("/v1/archives", body, by="desk", expect=202)
        path = f"/v1/archives/{started['archive_id']}"
        archived = "SELECT count(*) FROM fact WHERE kind = 'archived'"
        async with asyncio.timeout(60):
            while await _count(database, archived) < BEFORE_THE_KILL:
                await asyncio.sleep(0.02)
        await stack.kill_worker()
        at_the_kill = await _count(database, archived)
        assert at_the_kill < CLIENTS
        view = await care.get(path)  # can be read while nobody works
        assert (view["status"], view["total"]) == ("running", CLIENTS)
        await stack.start_worker()
        view = await _finished(care, path, done=view["done"])

        assert [(line["client_id"], line["result"]) for line in view["results"]] == [(id, "archived") for id in clients]
        for statement, wanted in (
            (archived, CLIENTS),
            ("SELECT count(DISTINCT client_id) FROM fact WHERE kind = 'archived'", CLIENTS),
            ("SELECT count(*) FROM client WHERE status = 'archived'", CLIENTS),
            ("SELECT count(*) FROM appointment WHERE status = 'cancelled'", CLIENTS),
            ("SELECT count(*) FROM payment WHERE status = 'cancelled' AND because = 'archived'", CLIENTS),
            ("SELECT count(*) FROM payment", CLIENTS),
            ("SELECT count(*) FROM occupied_time WHERE starts_at > now()", 0),
        ):
            assert await _count(database, statement) == wanted, statement
        assert await care.charges_at_stripe() == []
        await database.dispose()
        sent = await care.mail_counts() - mails
        assert set(sent) <= NEUTRAL, sent


async def _clients_with_money(care: Care, database: AsyncEngine) -> list[str]:
    """Each with a session next week, and one that occurred, whose payment is due tomorrow; in the order of arrival."""
    await asyncio.gather(*(add_therapist(care, f"t{number}", minutes=10) for number in range(THERAPISTS)))
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)

    async def arrive(number: int) -> tuple[str, str]:
        known = details(f"C{number}", time_zone="UTC")
        form = {"source": "care_team", "therapist": f"t{number % THERAPISTS}", "note": "by phone", "client": known}
        id = (await care.post("/v1/journeys", form, by="desk"))["client_id"]
        start = hour + timedelta(hours=3, minutes=10 * (number // THERAPISTS))
        booking = {"type": "session", "starts_at": start.isoformat(), "mode": "video", "weeks": 2}
        booked = await care.post(f"/v1/clients/{id}/appointments", booking, by="desk")
        return id, booked["appointments"][0]["id"]

    arrived: list[tuple[str, str]] = []
    for first in range(0, CLIENTS, 10):
        arrived += await asyncio.gather(*(arrive(number) for number in range(first, first + 10)))
    # What was booked for today is over: nobody wants to wait for it.
    async with database.begin() as connection:
        for table, column in (("appointment", "id"), ("occupied_time", "appointment_id")):
            statement = text(
                f"UPDATE {table} SET starts_at = starts_at - interval '8 hours',"  # noqa: S608 - names of our own
                f" ends_at = ends_at - interval '8 hours' WHERE {column} = ANY(:ids)"
            )
            await connection.execute(statement, {"ids": [appointment for _, appointment in arrived]})
    for _, appointment in arrived:
        await care.post(f"/v1/appointments/{appointment}/outcome", {"outcome": "occurred"}, by="desk", expect=200)
    return [id for id, _ in arrived]


async def _finished(care: Care, path: str, *, done: int) -> Json:
    """The end of it; on the way progress is told at any time, and never goes back."""
    async with asyncio.timeout(120):
        while True:
            view = await care.get(path)
            assert done <= view["done"] <= CLIENTS
            done = view["done"]
            if view["status"] == "finished":
                return view
            await asyncio.sleep(0.2)


async def _count(database: AsyncEngine, statement: str) -> int:
    async with database.connect() as connection:
        return int((await connection.execute(text(statement))).scalar_one())
