"""This product, on the local stack, with its sessions brought near."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import httpx
from sqlmodel import col, select
from temporalio.client import Client as Engine

from activities.snapshots import facts_of_appointments
from bench.peers.ending import SentMail
from bench.peers.system import LASTS, REMIND, Json, System, repeated
from bench.therapists import add_therapists
from config.development import DEV_PAYLOAD_KEYS
from engine.codec import PayloadKeys, data_converter
from local.postgres import Postgres
from local.processes import Process
from local.stack import LocalStack, Ports
from local.temporal import Service
from models.database import Sessions, connect, session_factory
from models.sealed import RowKeys
from models.tables.booking.appointment import Appointment
from models.tables.clients.client import Client
from rules.money.terms import Terms
from rules.policy import JourneyPolicy
from workflows.messages import FACTS_CHANGED, appointment_workflow_id

_PLENTY = "1000000"
_KEYS = {"site": "dev-booking-site", "desk": "dev-care-team"}
_SETTINGS = {
    "POLICY__APPOINTMENT_REMINDERS": ",".join(f"PT{before.seconds}S" for before in REMIND),
    # All come from one address of one machine, within a minute.
    "POLICY__MAILS_PER_ADDRESS": _PLENTY,
    "POLICY__SIGN_INS_PER_VISITOR": _PLENTY,
}


class Ours(System):
    name = "this product"
    database = "ours"
    sessions_sql = """
        SELECT client.email, appointment.status, payment.id::text, coalesce(payment.status = 'paid', false),
               payment.due_at, payment.paid_at
        FROM appointment JOIN client ON client.id = appointment.client_id
        LEFT JOIN payment ON payment.appointment_id = appointment.id WHERE client.email = ANY(%(emails)s)"""
    progress_sql = """
        WITH theirs AS (SELECT id FROM client WHERE email = ANY(%(emails)s)),
        sent AS (SELECT template FROM outbox WHERE client_id IN (SELECT id FROM theirs) AND status = 'sent')
        SELECT (SELECT count(*) FROM sent WHERE template = 'appointment_reminder'),
               (SELECT count(*) FROM sent WHERE template = 'receipt'),
               (SELECT count(*) FROM payment WHERE status = 'paid' AND client_id IN (SELECT id FROM theirs))"""

    in_doubt_sql = """
        SELECT client.email, outbox.template, outbox.key FROM outbox JOIN client ON client.id = outbox.client_id
        WHERE outbox.status = 'uncertain' AND client.email = ANY(%(emails)s)"""
    on_their_way_sql = """
        SELECT count(*) FROM outbox JOIN client ON client.id = outbox.client_id
        WHERE outbox.status = 'sending' AND outbox.sent_at IS NULL AND client.email = ANY(%(emails)s)"""

    def __init__(self, postgres: Postgres) -> None:
        super().__init__(postgres)
        self.numbers = count()
        self.stack: LocalStack | None = None

    async def start(self) -> None:
        url = await self.postgres.migrated(self.database)
        owner = self.postgres.owner_url(self.database)
        await add_therapists(owner, 10, now=datetime.now(UTC))
        self.stack = await LocalStack.start(
            ports=Ports.free(), seed=False, env=_SETTINGS, database_url=url, owner_url=owner
        )
        self.api_url, self.sandbox_url = self.stack.api_url, self.stack.sandbox_url
        self.tables = connect(url)
        keys = PayloadKeys.parse(DEV_PAYLOAD_KEYS)
        self.rows: Sessions = session_factory(self.tables, rows=RowKeys(keys.keys))
        self.engine = await Engine.connect(
            self.stack.temporal_address, namespace=Service.read().namespace, data_converter=data_converter(keys)
        )

    async def stop(self) -> None:
        if self.stack is not None:
            await self.stack.stop()
            await self.tables.dispose()

    def headers(self, by: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {_KEYS.get(by, by)}"} if by else {}

    async def book(
        self, http: httpx.AsyncClient, client_id: str, details: Json, starts: Sequence[datetime], after: timedelta
    ) -> list[str]:
        """Six weeks at an hour that is nobody else's, by the rules of booking; then brought near."""
        days, hours = divmod(next(self.numbers), 23)
        first = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(
            days=3 + days, hours=hours
        )
        series = {"type": "session", "starts_at": first.isoformat(), "mode": "phone", "weeks": len(starts)}
        url = f"{self.api_url}/v1/clients/{client_id}/appointments"
        answer = await repeated(http, "POST", url, series | {"details": details}, self.headers("desk"))
        assert answer.is_success, answer.text
        ids = [str(row["id"]) for row in answer.json()["appointments"]]
        await self._bring_near(UUID(client_id), dict(zip(map(UUID, ids), starts, strict=True)), after)
        return ids

    async def _bring_near(self, client_id: UUID, starts: Mapping[UUID, datetime], after: timedelta) -> None:
        terms = Terms.of(JourneyPolicy(charge_after=after)).document()
        async with self.rows() as session:
            client = await session.get_one(Client, client_id)
            for row in (await session.exec(select(Appointment).where(col(Appointment.id).in_(starts)))).all():
                row.starts_at, row.ends_at, row.terms = starts[row.id], starts[row.id] + LASTS, terms
            facts = await facts_of_appointments(session, client, list(starts))
            await session.commit()
        for one in facts:
            await self.engine.get_workflow_handle(appointment_workflow_id(one.id)).signal(FACTS_CHANGED, one)

    async def kill_worker(self) -> None:
        assert self.stack is not None
        await self.stack.kill_worker()

    async def start_worker(self) -> None:
        assert self.stack is not None
        await self.stack.start_worker()

    async def in_doubt(self, emails: Sequence[str]) -> list[SentMail]:
        rows = await self._asked(self.in_doubt_sql, emails)
        return [SentMail(to=to, template=template, key=key) for to, template, key in rows]

    async def on_their_way(self, emails: Sequence[str]) -> int | None:
        [(count,)] = await self._asked(self.on_their_way_sql, emails)
        return int(count)

    @property
    def processes(self) -> Mapping[str, Process]:
        assert self.stack is not None
        assert self.stack.api is not None
        return {"worker": self.stack.workers["worker"], "web": self.stack.api, **self.stack.servers}
