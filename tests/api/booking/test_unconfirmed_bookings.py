"""Attack: times are booked by people whom nobody can reach, until a calendar is full of them."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
from sqlmodel import col, select

from models.tables import Appointment, Client
from rules.accounts.budgets import NETWORKS_MOST
from rules.policy import JourneyPolicy
from tests.api.booking.calls import TEN, BookingCalls
from tests.api.booking.test_hold_limits import DAY, HOUR, visitor
from tests.api.conftest import DESK, StandingClock, problem_of
from tests.care.rows import Rows

MOST = JourneyPolicy().unconfirmed_bookings_per_visitor


async def arrived(booking: BookingCalls, rows: Rows, number: int, therapists: int = 1) -> list[Client]:
    """Clients who never booked and never activated."""
    practice = [await rows.therapist("ana" if n == 0 else f"ana-{n}") for n in range(therapists)]
    return [await booking.person(practice[n % therapists], f"client{n}") for n in range(number)]


async def open_ones(rows: Rows) -> int:
    async with rows.sessions() as session:
        return len((await session.exec(select(Appointment.id).where(col(Appointment.status) == "scheduled"))).all())


async def books(booking: BookingCalls, client: Client, number: int, by: Any) -> httpx.Response:
    return await booking.books(client, TEN + number % 20 * DAY + number // 20 * HOUR, by=by)


async def test_two_of_a_visitor_are_open_at_a_time(booking: BookingCalls, rows: Rows, clock: StandingClock) -> None:
    clients = await arrived(booking, rows, 6)
    one = visitor("one")
    for n in range(MOST):
        assert (await books(booking, clients[n], n, one)).status_code == 201
    refused = await books(booking, clients[2], 2, one)
    assert (refused.status_code, problem_of(refused)) == (429, "rate-limited")
    ends = TEN + timedelta(minutes=50)
    assert refused.headers["retry-after"] == str(int((ends - clock.time).total_seconds()))
    assert await open_ones(rows) == MOST
    for by in (visitor("two"), DESK):
        assert (await books(booking, clients[2 if by is DESK else 3], 3 if by is DESK else 4, by)).status_code == 201

    async with rows.sessions() as session:  # one of the two confirms
        row = await session.get_one(Client, clients[0].id)
        row.account_active, row.activated_at = True, clock.time
        await session.commit()
    assert (await books(booking, clients[4], 5, one)).status_code == 201
    assert (await books(booking, clients[5], 6, one)).status_code == 429
    clock.advance(days=1, hours=4)  # the other's is not over yet
    assert (await books(booking, clients[5], 6, one)).status_code == 429
    clock.advance(days=1)
    assert (await books(booking, clients[5], 6, one)).status_code == 201


async def test_side_by_side_they_are_no_more(booking: BookingCalls, rows: Rows) -> None:
    clients = await arrived(booking, rows, 8, therapists=8)
    calls = (
        booking.api.post(
            f"/v1/clients/{client.id}/appointments",
            json={"type": "session", "starts_at": TEN.isoformat(), "mode": "video"},
            headers=visitor("one"),
        )
        for client in clients
    )
    told = [answer.status_code for answer in await asyncio.gather(*calls)]
    assert sorted(told) == [201] * MOST + [429] * (8 - MOST)
    assert await open_ones(rows) == MOST


async def test_made_up_visitors_of_a_stolen_key_are_bounded_by_their_network(booking: BookingCalls, rows: Rows) -> None:
    most = MOST * NETWORKS_MOST
    clients = await arrived(booking, rows, most + 2)
    told = [(await books(booking, client, n, visitor(n))).status_code for n, client in enumerate(clients)]
    assert told == [201] * most + [429] * 2
    assert (await books(booking, clients[-1], most + 1, visitor("else", "192.0.2.0/24"))).status_code == 201


async def test_headers_beside_a_persons_token_change_nothing(booking: BookingCalls, rows: Rows) -> None:
    [client] = await arrived(booking, rows, 1)
    me = await booking.sign_in(client)
    assert (
        await books(booking, client, 0, me | {"Visitor": "x", "Visitor-Network": "192.0.2.0/24"})
    ).status_code == 201
    async with rows.sessions() as session:
        [booked] = (await session.exec(select(Appointment))).all()
    assert booked.network is None


async def test_what_the_practice_books_is_nobodys(booking: BookingCalls, rows: Rows) -> None:
    clients = await arrived(booking, rows, MOST + 2)
    for n, client in enumerate(clients):
        assert (await books(booking, client, n, DESK)).status_code == 201
    async with rows.sessions() as session:
        marks = {(row.visitor, row.network) for row in (await session.exec(select(Appointment))).all()}
    assert marks == {(None, None)}
