"""Sign-in by the practice's provider on the running system, whose clock is moved: tokens follow the world's."""

from datetime import UTC, datetime
from typing import Any

from api.accounts.oidc.provider import Provider
from api.settings import OidcSettings
from tests.care.house import PUBLIC_URL
from tests.care.signing_in.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcStandIn, oidc_provider
from tests.care.story import Care
from tests.journeys.accounts.arriving import arrived

MARIA: dict[str, Any] = {"name": "Maria Lopez", "email": "maria@practice.example", "roles": ["care_team"]}


async def _comes_back(care: Care, provider: OidcStandIn) -> dict[str, Any]:
    begun = await care.post("/v1/sessions/oidc", {}, by=None)
    return provider.signs_in(str(begun["url"])) | {"secret": begun["secret"]}


async def test_somebody_who_was_invited_signs_in_by_the_provider_for_months(care: Care) -> None:
    async with oidc_provider(lambda: datetime.now(UTC)) as provider:
        settings = OidcSettings(
            issuer=provider.url,
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            audience=CLIENT_ID,
            staff_url=f"{PUBLIC_URL}/staff",
        )
        care.house.lets_sign_in_by(Provider(settings))
        await care.post("/v1/staff", MARIA, by="admin")
        await arrived(care, "invitation", to=MARIA["email"])
        entered = await care.post("/v1/sessions", {"oidc": await _comes_back(care, provider)}, by=None)
        care.tokens["maria"] = str(entered["token"])
        [told] = await arrived(care, "sign_in_linked", to=MARIA["email"])
        assert "for the first time" in told["text"]

        under_way = await _comes_back(care, provider)
        await care.pass_time(days=90)  # of the practice's time; the browser was away for a moment
        again = await care.post("/v1/sessions", {"oidc": under_way}, by=None)
        care.tokens["maria"] = str(again["token"])
        who = await care.get("/v1/me", by="maria")
        assert (who["handle"], who["roles"]) == ("maria-lopez", ["care_team"])
        # An access token of now is good now, whatever the practice's clock says.
        care.tokens["token"] = provider.token({"sub": "subject-of-maria"}, typ="at+jwt")
        assert await care.post("/codec/decode", {"payloads": []}, by="token", expect=200) == {}
        await care.refused("POST", "/codec/decode", {"payloads": []}, by="desk", name="not-allowed", status=403)
