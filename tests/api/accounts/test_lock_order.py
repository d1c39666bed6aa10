"""A client is locked before their account, by whoever signs in and whoever joins two records (deadlocks)."""

import asyncio
from uuid import uuid4

import httpx
import pytest

from activities.clients.joining import JoiningActivities
from activities.types.clients import JoinOrder
from rules.accounts.caller import Caller
from rules.enums import Role
from tests.api.accounts.test_password_resets import OLD, member
from tests.api.conftest import StandingClock, steps_behind
from tests.care.rows import Rows
from tests.lock_order import locks_taken, out_of_order, table_locked_by

ROUNDS = 4


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("SELECT client.id FROM client \nWHERE client.id = %(id)s FOR NO KEY UPDATE", "client"),
        ("SELECT account.id FROM account WHERE account.id = %(id)s FOR UPDATE", "account"),
        ("SELECT payment.id, therapist.id FROM payment JOIN therapist ON true FOR NO KEY UPDATE OF payment", "payment"),
        ("UPDATE account SET password_hash=%(hash)s WHERE account.id = %(id)s", "account"),
        ("SELECT client.id FROM client WHERE client.id = %(id)s", None),
        ("INSERT INTO client (id) VALUES (%(id)s)", None),
    ],
)
def test_which_rows_a_statement_waits_for(statement: str, table: str | None) -> None:
    assert table_locked_by(statement) == table


def test_which_orders_are_wrong() -> None:
    right = [("therapist", "client", "payment"), ("client", "account"), ("account",), ("therapist", "payment")]
    wrong = [("account", "client"), ("client", "therapist"), ("payment", "client")]
    assert out_of_order([*right, *wrong]) == set(wrong)


async def test_who_signs_in_locks_the_client_first(api: httpx.AsyncClient, rows: Rows) -> None:
    await member(rows)
    with locks_taken() as taken:
        signed_in = await api.post("/v1/sessions", json={"email": "sara@mail.example", "password": OLD})
        assert signed_in.status_code == 201
        me = {"Authorization": f"Bearer {signed_in.json()['token']}"}
        body = {"current": OLD, "password": "a new and better one"}
        assert (await api.post("/v1/passwords", json=body, headers=me)).status_code == 204
    assert [tables for tables in taken if "account" in tables] == [("client", "account")] * 2


async def test_two_records_are_joined_while_both_sign_in(
    api: httpx.AsyncClient, rows: Rows, clock: StandingClock
) -> None:
    joining = JoiningActivities(steps_behind(rows, clock))
    desk = Caller(role=Role.CARE_TEAM, name="desk")
    for turn in range(ROUNDS):
        emails = [f"{name}{turn}@mail.example" for name in ("double", "sara")]
        double, record = [(await member(rows, email))[0] for email in emails]
        order = JoinOrder(request_id=str(uuid4()), client_id=str(double.id), into_id=str(record.id), by=desk)
        signing_in = [api.post("/v1/sessions", json={"email": email, "password": OLD}) for email in emails * 2]
        joined, answers = await asyncio.gather(joining.join_records(order), asyncio.gather(*signing_in))
        assert joined.refusal is None
        assert {answer.status_code for answer in answers} <= {201, 401}
        assert answers[1].status_code == answers[3].status_code == 201
        late = await api.post("/v1/sessions", json={"email": emails[0], "password": OLD})
        assert late.status_code == 401
