"""A practice whose staff may sign in by a provider; the world's clock is another one than the product's."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.accounts.oidc.provider import Provider
from api.settings import OidcSettings
from rules.accounts.oidc import FactorClaim, TrustedFactor
from tests.api.conftest import StandingClock
from tests.care.signing_in.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcStandIn, oidc_provider

STAFF_URL = "https://staff.example"
PAGE = f"{STAFF_URL}/sign-in/oidc"
MFA = TrustedFactor(claim=FactorClaim.AMR, value="mfa")
Json = dict[str, Any]


@dataclass
class SignIns:
    """Sign-ins by the provider, as a browser makes them."""

    app: FastAPI
    api: httpx.AsyncClient
    provider: OidcStandIn
    real: StandingClock
    headers: dict[str, str] = field(default_factory=dict)

    def trusts(self, *trusted: TrustedFactor, audience: str = CLIENT_ID) -> None:
        """As if the programs were started anew with these settings: nothing is cached."""
        settings = OidcSettings(
            issuer=self.provider.url,
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            audience=audience,
            staff_url=STAFF_URL,
            trusted=trusted,
        )
        self.app.state.services = replace(self.app.state.services, provider=Provider(settings))

    async def begins(self, **body: Any) -> Json:
        answer = await self.api.post("/v1/sessions/oidc", json=body, headers=self.headers)
        assert answer.status_code == 201, answer.text
        begun: Json = answer.json()
        return begun

    async def shows(self, oidc: Json, **more: Any) -> httpx.Response:
        return await self.api.post("/v1/sessions", json={"oidc": oidc} | more, headers=self.headers)

    async def comes_back(self, **claims: Any) -> Json:
        """What the page shows once somebody with these claims has signed in at the provider."""
        begun = await self.begins()
        return self.provider.signs_in(begun["url"], **claims) | {"secret": begun["secret"]}

    async def signs_in(self, claims: Json | None = None, **more: Any) -> httpx.Response:
        return await self.shows(await self.comes_back(**(claims or {})), **more)


@pytest.fixture
async def sign_ins(app: FastAPI, api: httpx.AsyncClient) -> AsyncIterator[SignIns]:
    """What a test changes of the services goes with it."""
    real = StandingClock()
    real.time = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)  # years from where the product's clock stands
    services = app.state.services
    async with oidc_provider(lambda: real.time) as provider:
        app.state.services = replace(services, real_clock=real)
        made = SignIns(app, api, provider, real)
        made.trusts()
        yield made
    app.state.services = services
