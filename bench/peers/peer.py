"""A peer: its web server and its worker as programs in its own environment, and the stand-ins in ours."""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import httpx

from bench.peers.environments import python_of
from bench.peers.system import LASTS, REMIND, Json, System
from local.postgres import Postgres
from local.processes import Log, Process, free_ports, until

_SECRET = "whsec_peer"  # noqa: S105 - known to stand-in and web server alike
_READY_WITHIN = 60.0  # seconds


class Peer(System):
    sessions_sql = """
        SELECT client.email, appointment.status, payment.id::text, coalesce(payment.status = 'paid', false),
               payment.due_at, payment.paid_at
        FROM appointment JOIN client ON client.id = appointment.client_id
        LEFT JOIN payment ON payment.id = appointment.id WHERE client.email = ANY(%(emails)s)"""
    progress_sql = """
        WITH theirs AS (SELECT id FROM client WHERE email = ANY(%(emails)s)),
        sent AS (SELECT template FROM mail WHERE client_id IN (SELECT id FROM theirs))
        SELECT (SELECT count(*) FROM sent WHERE template = 'appointment_reminder'),
               (SELECT count(*) FROM sent WHERE template = 'receipt'),
               (SELECT count(*) FROM payment WHERE status = 'paid' AND client_id IN (SELECT id FROM theirs))"""

    def __init__(self, postgres: Postgres, peer: str, *, log: Log | None = None) -> None:
        super().__init__(postgres)
        self.name = self.database = peer
        self.log = log or Log(console=False)
        self.worker: Process | None = None
        self.web: Process | None = None
        self.sandbox: Process | None = None

    async def start(self) -> None:
        python = str(await python_of(self.name))
        _ = await self.postgres.create_database(self.database)
        api, sandbox = free_ports(2)
        self.api_url, self.sandbox_url = f"http://127.0.0.1:{api}", f"http://127.0.0.1:{sandbox}"
        env = {
            "DATABASE_URL": self.postgres.owner_url(self.database),
            "SANDBOX_URL": self.sandbox_url,
            "STRIPE_WEBHOOK_SECRET": _SECRET,
            "PORT": str(api),
        }
        webhook = ["--webhook-url", f"{self.api_url}/v1/webhooks/stripe", "--webhook-secret", _SECRET]
        stand_ins = [sys.executable, "-m", "sandbox", "--port", str(sandbox), *webhook]
        program = f"bench.peers.{self.name}"
        self.sandbox = Process(name="sandbox", command=stand_ins, log=self.log)
        self.web = Process(name="web", command=[python, "-m", f"{program}.server"], log=self.log, env=env)
        self.worker = Process(name="worker", command=[python, "-m", f"{program}.worker"], log=self.log, env=env)
        async with httpx.AsyncClient(trust_env=False) as http:
            for process, url in ((self.sandbox, f"{self.sandbox_url}/healthz"), (self.web, f"{self.api_url}/readyz")):
                await process.start()
                answers = partial(_answers, http, url)
                assert await until(answers, within=_READY_WITHIN, process=process), process.last_words
        await self.start_worker()

    async def stop(self) -> None:
        for process in (self.worker, self.web, self.sandbox):
            if process is not None:
                _ = await process.stop(kill=True)

    def headers(self, by: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {by}"} if by else {}

    async def book(
        self, http: httpx.AsyncClient, client_id: str, details: Json, starts: Sequence[datetime], after: timedelta
    ) -> list[str]:
        booking = {
            "details": details,
            "starts_at": [start.isoformat() for start in starts],
            "lasts": LASTS.total_seconds(),
            "charge_after": after.total_seconds(),
            "reminders": [before.total_seconds() for before in REMIND],
        }
        answer = await http.post(f"{self.api_url}/v1/clients/{client_id}/appointments", json=booking)
        assert answer.is_success, answer.text
        return [str(row["id"]) for row in answer.json()["appointments"]]

    async def kill_worker(self) -> None:
        assert self.worker is not None
        _ = await self.worker.stop(kill=True)

    async def start_worker(self) -> None:
        assert self.worker is not None
        self.worker.tail.clear()
        await self.worker.start()
        worker = self.worker

        async def ready() -> bool:
            return any(line.strip() == "Ready" for line in worker.tail)

        assert await until(ready, within=_READY_WITHIN, process=worker), worker.last_words

    @property
    def processes(self) -> Mapping[str, Process]:
        assert self.worker is not None
        assert self.web is not None
        return {"worker": self.worker, "web": self.web}


async def _answers(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(url)).is_success
    except httpx.HTTPError:
        return False
