"""A second factor on the running system, whose clock is moved: codes follow the world's."""

from time import time

import pyotp

from tests.care.story import Care
from tests.journeys.accounts.arriving import arrived


async def test_a_client_signs_in_by_an_app_weeks_later_and_loses_it(care: Care) -> None:
    await care.therapist("ana")
    sara = await care.arrives()
    await sara.books("intro_call")
    await care.rest()
    await sara.activates()
    begun = {"kind": "totp", "current": "correct horse battery"}
    new = await care.post("/v1/second-factors", begun, by=sara.email)
    app = pyotp.TOTP(new["secret"])
    confirm = f"/v1/second-factors/{new['id']}/confirmations"
    given = await care.post(confirm, {"code": app.now()}, by=sara.email, expect=200)
    assert len(given["recovery_codes"]) == 10
    [told] = await arrived(care, "second_factor_changed", to=sara.email)
    assert "was added to your account" in told["text"]

    await care.pass_time(days=40)
    signing_in = {"email": sara.email, "password": "correct horse battery"}
    await care.refused("POST", "/v1/sessions", signing_in, by=None, name="second-factor-required", status=401)
    code = app.at(time(), counter_offset=1)  # of the next half minute: that of this one may be used
    entered = await care.post("/v1/sessions", signing_in | {"code": code}, by=None)
    assert entered["client_id"] == sara.id

    taken = await care.call("DELETE", f"/v1/clients/{sara.id}/second-factors", by="desk")
    assert taken.status_code == 204
    await arrived(care, "second_factor_changed", to=sara.email, number=2)
    assert (await care.post("/v1/sessions", signing_in, by=None))["client_id"] == sara.id
    verified = await care.get(f"/v1/clients/{sara.id}/timeline/verify", by="desk")
    assert verified["valid"] is True
    acts = [(fact["kind"], fact["actor"]) for fact in await sara.timeline()]
    assert ("second_factor_added", f"client:{sara.id}") in acts
    assert ("second_factor_removed", "care_team:desk") in acts
