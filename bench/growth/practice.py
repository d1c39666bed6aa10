"""A practice whose journeys are rows first: then the resume command starts what must run, as after a restore."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
from sqlalchemy import insert
from sqlmodel import SQLModel, col, select
from temporalio.client import Client as Engine

from bench.therapists import Rows, add_therapists
from config.development import DEV_CHAIN_KEYS, DEV_PAYLOAD_KEYS
from engine.codec import PayloadKeys, data_converter
from engine.connect import TASK_QUEUE
from engine.executions import Executions
from local.stack import LocalStack
from local.temporal import Service
from models.database import connect, session_factory
from models.sealed import RowKeys
from models.tables.booking.appointment import Appointment
from models.tables.booking.occupied_time import OccupiedTime
from models.tables.booking.therapist import Therapist
from models.tables.clients.client import Client, default_portal_settings
from models.tables.clients.match import Match
from models.tables.money.payment import Payment
from ops.connected import Connected
from rules.chain import ChainKeys
from rules.enums import (
    AppointmentStatus,
    AppointmentType,
    ClientStatus,
    Mode,
    PaymentKind,
    PaymentStatus,
    Source,
    Stage,
)
from rules.money.terms import Terms
from rules.policy import JourneyPolicy
from workflows.starting import beginning_of

FEE = 12_000
_BY = "care_team:bench"
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_AT_A_TIME = 2_000  # rows of a statement
_TERMS = Terms.of(JourneyPolicy()).document()


@asynccontextmanager
async def connected_to(stack: LocalStack) -> AsyncIterator[Connected]:
    """The database and the engine of a stack, as a command of ``ops`` has them."""
    keys = PayloadKeys.parse(DEV_PAYLOAD_KEYS)
    pool = connect(stack.database_url)
    try:
        engine = await Engine.connect(
            stack.temporal_address, namespace=Service.read().namespace, data_converter=data_converter(keys)
        )
        yield Connected(
            sessions=session_factory(
                pool, rows=RowKeys(keys.keys), chain=ChainKeys(PayloadKeys.parse(DEV_CHAIN_KEYS).keys)
            ),
            executions=Executions(engine, task_queue=TASK_QUEUE, beginning_of=beginning_of),
            clock=stack.clock,
        )
    finally:
        await pool.dispose()


async def add_practice(stack: LocalStack, on: Connected, count: int) -> list[Therapist]:
    """So many therapists, by slug."""
    await add_therapists(stack.database_url, count, now=await on.clock.now())
    async with on.sessions() as session:
        return list(await session.exec(select(Therapist).order_by(col(Therapist.slug))))


async def add_clients(on: Connected, therapists: Sequence[Therapist], *, first: int, until: int) -> list[UUID]:
    """Clients in care with these numbers, of one therapist after the other: each had a session an hour ago, which is
    settled, so that nobody is to be reminded of anything yet. Their ids."""
    now = await on.clock.now()
    clients = [_client(therapists[number % len(therapists)], number, now=now) for number in range(first, until)]
    held = [
        _session(client["therapist_id"], client["id"], now - _HOUR, status=AppointmentStatus.OCCURRED)
        for client in clients
    ]
    await write(
        on,
        (Client, clients),
        (Match, [_match(client) for client in clients]),
        (Appointment, held),
        (Payment, [_waived(one) for one in held]),
    )
    return [client["id"] for client in clients]


async def add_life(on: Connected, therapist: Therapist, client_id: UUID, *, sessions: int, unmarked: int) -> list[UUID]:
    """So many more sessions in a client's past, a day apart and settled, and ``unmarked`` ones after them, which have
    ended and wait for their outcome. The ids of those."""
    now = await on.clock.now()
    ended = [
        _session(therapist.id, client_id, now - (number + 3) * _DAY, status=AppointmentStatus.OCCURRED)
        for number in range(sessions)
    ]
    waiting = [
        _session(therapist.id, client_id, now - timedelta(hours=2 + number), status=AppointmentStatus.SCHEDULED)
        for number in range(unmarked)
    ]
    shared = ("id", "client_id", "therapist_id", "type", "starts_at", "ends_at")
    occupied = [
        {name: one[name] for name in shared} | {"appointment_id": one["id"], "made_by": _BY, "made_at": now}
        for one in waiting
    ]
    await write(
        on,
        (Appointment, [*ended, *waiting]),
        (Payment, [_waived(one) for one in ended]),
        (OccupiedTime, occupied),
    )
    return [one["id"] for one in waiting]


async def write(on: Connected, *tables: tuple[type[SQLModel], Rows]) -> None:
    async with on.sessions() as session:
        connection = await session.connection()
        for table, rows in tables:
            for at in range(0, len(rows), _AT_A_TIME):
                await connection.execute(insert(table), rows[at : at + _AT_A_TIME])
        await session.commit()


async def tidied(stack: LocalStack) -> None:
    """The tables as a server's own housekeeping leaves them within minutes: counted, and what is gone taken away. Only
    their owner may."""
    async with await psycopg.AsyncConnection.connect(stack.owner_url, autocommit=True) as owner:
        await owner.execute("VACUUM ANALYZE")


def _client(therapist: Therapist, number: int, *, now: datetime) -> dict[str, Any]:
    email = f"client-{number}@growth.example"
    return {
        "id": uuid4(),
        "ref": f"G{number:07}",
        "status": ClientStatus.ACTIVE,
        "stage": Stage.IN_CARE,
        "stage_shown": Stage.IN_CARE,
        "first_name": "Sara",
        "last_name": f"Lind{number}",
        "email": email,
        "email_folded": email,
        "phone": "+12125550100",
        "time_zone": "America/New_York",
        "state": "NY",
        "therapist_id": therapist.id,
        "matched_at": now - 30 * _DAY,
        "first_booked_at": now - _HOUR,  # too lately to be reminded of anything
        "portal_settings": default_portal_settings(),
        "source": Source.CARE_TEAM,
        "made_by": _BY,
        "made_by_staff": True,
        "created_at": now - 30 * _DAY - number * timedelta(seconds=13),
    }


def _match(client: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "client_id": client["id"],
        "therapist_id": client["therapist_id"],
        "how": Source.CARE_TEAM,
        "made_by": _BY,
        "made_at": client["matched_at"],
    }


def _session(
    therapist_id: object, client_id: object, ends_at: datetime, *, status: AppointmentStatus
) -> dict[str, Any]:
    occurred = status is AppointmentStatus.OCCURRED
    return {
        "id": uuid4(),
        "client_id": client_id,
        "therapist_id": therapist_id,
        "type": AppointmentType.SESSION,
        "status": status,
        "starts_at": ends_at - timedelta(minutes=50),
        "ends_at": ends_at,
        "mode": Mode.VIDEO,
        "fee_amount": FEE,
        "fee_currency": "USD",
        "booked_by": _BY,
        "booked_at": ends_at - 8 * _DAY,
        "planned_at": ends_at - 8 * _DAY,
        "terms": _TERMS,
        "fee_policy_version": 1,
        "outcome_at": ends_at if occurred else None,
        "outcome_by": _BY if occurred else None,
    }


def _waived(held: dict[str, Any]) -> dict[str, Any]:
    ended = held["ends_at"]
    return {
        "id": uuid4(),
        "appointment_id": held["id"],
        "client_id": held["client_id"],
        "kind": PaymentKind.SESSION,
        "amount": FEE,
        "currency": "USD",
        "status": PaymentStatus.WAIVED,
        "created_at": ended,
        "due_at": ended + _DAY,
        "deadline": ended + 2 * _DAY,
    }
