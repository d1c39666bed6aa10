"""People with an authenticator app, and what they type."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx
import pyotp
from fastapi import FastAPI

from models.tables import Account
from rules.enums import Role
from tests.api.conftest import StandingClock, problem_of
from tests.care.rows import Rows

PASSWORD = "correct horse battery"
Headers = dict[str, str]
STEP = timedelta(seconds=30)


@dataclass
class App:
    """An authenticator app, by the world's time. ``secret`` is empty before it is set up."""

    real: StandingClock
    secret: str = ""
    id: str = ""

    def code(self, *, steps: int = 0) -> str:
        """Of the present time step, or of so many later."""
        return pyotp.TOTP(self.secret).at(self.real.time + steps * STEP)

    def next_code(self) -> str:
        """One that nobody has used yet."""
        self.real.time += STEP
        return self.code()

    def wrong_code(self) -> str:
        """Six digits that fit none of the steps that are taken."""
        good = {self.code(steps=steps) for steps in (-2, -1, 0, 1, 2)}
        return next(code for code in map("{:06}".format, range(10)) if code not in good)


@dataclass
class Owner:
    """Somebody with an account, signed in here."""

    api: httpx.AsyncClient
    account: Account
    email: str
    side: str
    app: App
    here: Headers
    recovery_codes: list[str] = field(default_factory=list)

    async def ask(self, path: str, headers: Headers | None = None, **body: Any) -> httpx.Response:
        return await self.api.post(f"/v1/second-factors{path}", json=body, headers=headers or self.here)

    async def begins(self, **more: Any) -> httpx.Response:
        answer = await self.ask("", **({"kind": "totp", "current": PASSWORD} | more))
        if answer.status_code == 201:
            self.app.id, self.app.secret = answer.json()["id"], answer.json()["secret"]
        return answer

    async def confirms(self, code: str | None = None) -> httpx.Response:
        return await self.ask(f"/{self.app.id}/confirmations", code=code or self.app.code())

    async def enrols(self) -> "Owner":
        begun = await self.begins()
        assert begun.status_code == 201, begun.text
        confirmed = await self.confirms()
        assert confirmed.status_code == 200, confirmed.text
        self.recovery_codes = confirmed.json()["recovery_codes"]
        return self

    async def signs_in(self, code: str | None = None, **more: Any) -> httpx.Response:
        body = {"email": self.email, "password": PASSWORD, "side": self.side} | more
        if code is not None:
            body["code"] = code
        headers = body.pop("headers", {})
        return await self.api.post("/v1/sessions", json=body, headers=headers)

    async def listed(self) -> Any:
        answer = await self.api.get("/v1/second-factors", headers=self.here)
        assert answer.status_code == 200, answer.text
        return answer.json()


async def a_client(api: httpx.AsyncClient, rows: Rows, real: StandingClock, name: str = "sara") -> Owner:
    email = f"{name}@mail.example"
    client = await rows.client(email=email, email_folded=email, account_active=True, first_name=name.title())
    account = await rows.account(client, password=PASSWORD)
    return Owner(api, account, email, "client", App(real), await rows.session_of(account))


async def a_colleague(
    api: httpx.AsyncClient, rows: Rows, real: StandingClock, name: str = "maria", role: Role = Role.CARE_TEAM
) -> Owner:
    account = await rows.staff(name, role, password=PASSWORD)
    return Owner(api, account, f"{name}@practice.example", "staff", App(real), await rows.session_of(account))


def demand(app: FastAPI, *, demanded: bool = True) -> None:
    """The practice demands a second factor of its people, from now on."""
    services = app.state.services
    app.state.services = replace(services, settings=replace(services.settings, staff_second_factor=demanded))


def needs_factor(answer: httpx.Response, *, factors: list[str]) -> None:
    assert answer.status_code == 401, answer.text
    assert problem_of(answer) == "second-factor-required"
    assert answer.json()["factors"] == factors


BOTH = ["totp", "recovery_code"]
