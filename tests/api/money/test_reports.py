"""A practice's months."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from models.tables import Client
from models.writes.timeline import tell
from rules.enums import AppointmentStatus, AppointmentType, PaymentStatus
from rules.policy import JourneyPolicy
from rules.timeline import FactKind
from tests.api.callers import Callers
from tests.api.conftest import DESK, ROOT, fields_of, other_settings
from tests.care.ledger_rows import stated
from tests.care.rows import NOW, Rows
from tests.statements import statements

FEBRUARY = datetime(2026, 2, 10, 15, tzinfo=UTC)


async def _report(api: httpx.AsyncClient, query: Any = None, *, by: Any = DESK) -> Any:
    answer = await api.get("/v1/reports", params=query, headers=by)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def _held(rows: Rows, people: Callers, client: Client, starts_at: datetime, **columns: Any) -> None:
    usual: dict[str, Any] = {"status": AppointmentStatus.OCCURRED, "starts_at": starts_at}
    held = await rows.appointment(client, people.ana, **usual | columns)
    if held.status is AppointmentStatus.OCCURRED and held.type is AppointmentType.SESSION:
        paid: dict[str, Any] = {"status": PaymentStatus.PAID, "stated": stated(client, people.ana)}
        await rows.payment(held, paid_at=starts_at + timedelta(days=1), **paid)


async def test_a_month_has_its_sessions_its_money_and_its_stages(
    api: httpx.AsyncClient, rows: Rows, people: Callers, app: FastAPI
) -> None:
    await _held(rows, people, people.sara, FEBRUARY)
    await _held(rows, people, people.sara, FEBRUARY + timedelta(hours=2), type=AppointmentType.INTRO_CALL)
    for status in (AppointmentStatus.NO_SHOW, AppointmentStatus.LATE_CANCELLED, AppointmentStatus.CANCELLED):
        await _held(rows, people, people.sara, FEBRUARY + timedelta(days=1), status=status)
    # Still February on the practice's clocks.
    await _held(rows, people, people.sara, datetime(2026, 3, 1, 4, 30, tzinfo=UTC))
    test = await rows.client(people.ana, test=True)
    await _held(rows, people, test, FEBRUARY)
    async with rows.sessions() as session:
        for client_id in (people.sara.id, test.id):
            client = await session.get_one(Client, client_id, with_for_update=True)
            more: dict[str, Any] = {"by": "system", "text": "It happened."}
            tell(session, client, FactKind.JOURNEY_STARTED, at=FEBRUARY - timedelta(days=2), **more)
            tell(session, client, FactKind.MATCHED, at=FEBRUARY, data={}, **more)
        await session.commit()

    months = {"from": "2026-02-01", "to": "2026-03-02"}
    with other_settings(app, policy=JourneyPolicy(time_zone="America/New_York")):
        told = await _report(api, months)
        assert await _report(api, months, by=ROOT) == told
    assert (told["by"], told["time_zone"]) == ("month", "America/New_York")
    february, march = told["items"]
    assert (february["month"], march["from"], march["to"]) == ("2026-02", "2026-03-01", "2026-03-02")
    counts = ("sessions_held", "no_shows", "late_cancellations", "cancelled", "intro_calls_held")
    assert [february[name] for name in counts] == [2, 1, 1, 1, 1]
    assert [march[name] for name in counts] == [0] * 5
    [dollars] = february["money"]
    assert (dollars["currency"], dollars["card"]) == ("USD", {"count": 1, "amount": 15000})
    assert march["money"][0]["card"]["count"] == 1  # the one of 28 February was paid in March
    stages = {one["stage"]: one for one in february["stages"]}
    assert stages["matching"] == {"stage": "matching", "entered": 1, "left": 1, "at_end": 0, "median_days": 2.0}
    assert (stages["first_booking"]["entered"], stages["first_booking"]["at_end"]) == (1, 1)


async def test_it_is_three_statements_however_many_months(
    api: httpx.AsyncClient, people: Callers, database: AsyncEngine
) -> None:
    await _report(api)
    with statements(database) as of_a_month:
        await _report(api, {"from": "2026-03-01"})
    with statements(database) as of_years:
        assert len((await _report(api, {"from": "2021-04-01"}))["items"]) == 60
    assert len(of_a_month) == len(of_years)
    assert len([one for one in of_years if "FROM fact" in one or "width_bucket" in one]) == 3


async def test_a_file_has_a_line_for_each_number(api: httpx.AsyncClient, rows: Rows, people: Callers) -> None:
    await _held(rows, people, people.sara, FEBRUARY)
    answer = await api.get("/v1/reports", params={"from": "2026-02-01"}, headers=DESK | {"Accept": "text/csv"})
    assert answer.headers["content-disposition"] == 'attachment; filename="report-2026-02-01-to-2026-03-02.csv"'
    lines = answer.text.split("\r\n")
    assert lines[0] == "month,what,currency,count,amount,amount_decimal,median_days"
    assert "2026-02,sessions_held,,1,,," in lines
    assert "2026-02,card,USD,1,15000,150.00," in lines


async def test_a_year_of_months_unless_asked_and_five_at_most(api: httpx.AsyncClient) -> None:
    told = await _report(api)
    assert (told["from"], told["to"], len(told["items"])) == ("2025-04-01", f"{NOW:%Y-%m-%d}", 12)
    for query, field in (({"from": "2019-01-01"}, "to"), ({"by": "day"}, "by"), ({"from": "soon"}, "from")):
        assert fields_of(await api.get("/v1/reports", params=query, headers=DESK)) == [field]
