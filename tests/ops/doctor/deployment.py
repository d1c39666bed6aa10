"""A deployment in which everything is as it should be, and the way to look at it with one thing changed."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest
from fastapi import FastAPI
from starlette.responses import JSONResponse

from config import Settings, examine
from config.development import DEV_STRIPE_WEBHOOK_SECRET
from engine.clock import SystemClock
from local.processes import free_port
from ops.doctor.checks import CHECKS, carry_out
from ops.doctor.findings import Finding, Verdict
from sandbox.app import create_app
from sandbox.sendgrid.account import MailAccount, MailAccountShown
from sandbox.store import Store
from tests.care.served import served

API = "https://api.practice.example"
ALL_EVENTS = ["*"]


@dataclass
class Deployment:
    """``given`` is its environment; ``ready`` what the API answers at `/readyz`."""

    given: dict[str, str]
    store: Store
    stand_ins: FastAPI
    ready: int = 200
    changed: dict[str, str] = field(default_factory=dict)

    def read(self, monkeypatch: pytest.MonkeyPatch, **changes: str) -> Settings:
        for name, value in {**self.given, **changes}.items():
            monkeypatch.setenv(name, value)
        settings, problems = examine(os.environ)
        assert settings is not None, problems
        return settings

    def account(self, account: MailAccount) -> None:
        MailAccountShown(self.store).set(account)

    def stripe_endpoint(self, *, url: str | None = f"{API}/v1/webhooks/stripe", events: list[str] = ALL_EVENTS) -> None:
        self.stand_ins.state.webhooks.register(url=url, secret=DEV_STRIPE_WEBHOOK_SECRET, events=events)

    def mail_endpoint(self, url: str | None = f"{API}/v1/webhooks/sendgrid") -> None:
        self.stand_ins.state.mail_events.register(url=url)


@asynccontextmanager
async def deployed(database_url: str) -> AsyncIterator[Deployment]:
    """On stand-ins; its engine is nowhere, unless somebody names one."""
    store = Store()
    stand_ins = create_app(store=store, clock=SystemClock())
    api = FastAPI()
    async with AsyncExitStack() as stack:
        stack.callback(store.close)
        at = await stack.enter_async_context(served(stand_ins))
        of_api = await stack.enter_async_context(served(api))
        one = Deployment(
            given={
                "ENVIRONMENT": "development",
                "DATABASE_URL": database_url,
                "TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}",
                "SANDBOX_PORT": at.rpartition(":")[2],
                "API_PORT": of_api.rpartition(":")[2],
                "API_PUBLIC_URL": API,
            },
            store=store,
            stand_ins=stand_ins,
        )

        @api.get("/readyz")
        async def readyz() -> JSONResponse:
            return JSONResponse({"engine": "ok" if one.ready == 200 else "unavailable"}, one.ready)

        one.stripe_endpoint()
        one.mail_endpoint()
        yield one


async def look(settings: Settings, *names: str, within: float = 20.0) -> list[Finding]:
    """What the checks of these names find."""
    found = [
        found async for found in carry_out([each for each in CHECKS if each.name in names], settings, within=within)
    ]
    return [finding for findings in found for finding in findings]


def troubles(findings: list[Finding]) -> list[Finding]:
    """What is not well; each says what to do."""
    found = [finding for finding in findings if finding.verdict is not Verdict.OK]
    assert all(finding.todo for finding in found)
    return found


Break = Callable[[Deployment], None]
