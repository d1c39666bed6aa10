"""The API over the real steps, for stories about texts: what a signal would have caused is done at once."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from sqlmodel import col, select
from temporalio.testing import ActivityEnvironment

from activities.ports import OutgoingMail
from activities.types.mail import DeliverOrder
from models.tables import Client, Therapist
from models.tables.forms.text import PracticeText
from tests.api.conftest import DESK, ROOT, SITE, StandingClock
from tests.api.fuzz.steps_at_once import StepsAtOnce
from tests.care.practice import Post
from tests.care.rows import Rows
from workflows.messages import FORM_VERSION_PUBLISHED

Json = dict[str, Any]
ANSWERS: dict[str, Json] = {
    "informed_consent": {"agrees": True},
    "initial_consultation": {"reason": "Sleep", "emergency_contact": {"name": "Jo", "phone": "+12125550101"}},
    "billing_info": {"billing_name": "Sara Lind", "accepts_fee_policy": True},
}


class AsksAtOnce(StepsAtOnce):
    async def signal(self, workflow_id: str, name: str, argument: object = None) -> None:
        if name == FORM_VERSION_PUBLISHED:
            await self.steps["request_new_versions"](workflow_id.rpartition(":")[2])
        else:
            await super().signal(workflow_id, name, argument)


@dataclass
class Texts:
    """``post``: what was mailed."""

    api: httpx.AsyncClient
    rows: Rows
    clock: StandingClock
    engine: AsksAtOnce
    post: Post
    ana: Therapist
    booked: int = 0

    async def get(self, path: str = "", *, by: Json | None = None, expect: int = 200, **query: Any) -> Any:
        answer = await self.api.get(f"/v1/texts{path}", params=query, headers=by)
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def put(self, kind: str, *, by: Json = ROOT, **changed: Any) -> httpx.Response:
        """A draft of what is in force, but for what is ``changed``."""
        text = await self.get(f"/{kind}", by=ROOT)
        body = {"title": text["title"], "body": text["source"], "fields": text["fields"]} | changed
        return await self.api.put(f"/v1/texts/{kind}", json=body, headers=by)

    async def words(self, kind: str, **changed: Any) -> Json:
        answer = await self.put(kind, **changed)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def publish(self, kind: str, *, expect: int = 200, **body: Any) -> Json:
        answer = await self.api.post(f"/v1/texts/{kind}/publish", json=body, headers=ROOT)
        assert answer.status_code == expect, answer.text
        return dict(answer.json())

    async def preview(self, kind: str) -> Json:
        answer = await self.api.post(f"/v1/texts/{kind}/preview", headers=ROOT)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def client(self) -> Client:
        details = {"last_name": "Lind", "phone": "+12125550100", "time_zone": "America/New_York"}
        name = f"Sara{self.booked}"
        return await self.rows.client(
            self.ana, first_name=name, email=f"{name.lower()}@example.com", account_active=True, **details
        )

    async def books(self, client: Client, *, by: Json = DESK) -> Json:
        """A session a week after the last one, whoever had that."""
        self.booked += 1
        starts_at = self.clock.time.replace(hour=15) + timedelta(weeks=1 + self.booked)
        body = {"type": "session", "mode": "video", "starts_at": starts_at.isoformat()}
        answer = await self.api.post(f"/v1/clients/{client.id}/appointments", json=body, headers=by)
        assert answer.status_code == 201, answer.text
        return dict(answer.json()["appointments"][0])

    async def form(self, client: Client, kind: str) -> Json:
        """As its client sees it."""
        answer = await self.api.get(f"/v1/clients/{client.id}/forms/{kind}", headers=await self.rows.signed_in(client))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def signs(
        self, client: Client, kind: str = "billing_info", *, card: bool = True, expect: int = 200, **said: Any
    ) -> Json:
        self.clock.advance(minutes=1)  # after whatever was signed before
        body: Json = {"answers": ANSWERS[kind], "signature": "Sara Lind"} | said
        if kind == "billing_info" and card:
            setup = await self.api.post(f"/v1/clients/{client.id}/card-setup", headers=SITE)
            assert setup.status_code == 201, setup.text
            shown = setup.json()
            body |= {"setup_intent": shown["setup_intent"], "consent_version": shown["consent_version"]}
        answer = await self.api.put(f"/v1/clients/{client.id}/forms/{kind}", json=body, headers=SITE)
        assert answer.status_code == expect, answer.text
        return dict(answer.json())

    async def mails(self, client: Client) -> list[OutgoingMail]:
        """What goes out to a client now."""
        before = len(self.post.sent)
        order = DeliverOrder(client_id=str(client.id), appointment_id=None, due=())
        await ActivityEnvironment().run(self.engine.steps["deliver"], order)
        return self.post.sent[before:]

    async def asked(self, client: Client) -> list[tuple[str, int, str]]:
        answer = await self.api.get(f"/v1/clients/{client.id}/forms", headers=DESK)
        return [(form["kind"], form["version"], form["status"]) for form in answer.json()["items"]]

    async def versions(self, kind: str) -> list[PracticeText]:
        statement = select(PracticeText).where(col(PracticeText.kind) == kind).order_by(col(PracticeText.version))
        async with self.rows.sessions() as session:
            return list((await session.exec(statement)).all())

    async def everything(self) -> dict[str, list[str]]:
        """All that no change of settings may touch."""
        tables = ("practice_text", "form_request", "form_answer", "outbox", "fact", "appointment", "client")
        return await self.rows.snapshot(*tables)
