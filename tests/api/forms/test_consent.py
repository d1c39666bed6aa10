"""The text that a client agrees to with a card: shown with the card setup, and signed in the version that was shown."""

from typing import Any

import httpx

from activities.types.clients import Done
from tests.api.conftest import SITE, ToldEngine, fields_of
from tests.care.defaults import FIRST_FEE_POLICY, FIRST_FEE_POLICY_TEXT
from tests.care.rows import Rows
from workflows.messages import SUBMIT_FORM

BILLING: dict[str, Any] = {
    "answers": {"billing_name": "Sara Lind", "accepts_fee_policy": True},
    "signature": "Sara Lind",
    "setup_intent": "seti_1",
}


async def test_a_card_setup_tells_the_text_and_its_version(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine
) -> None:
    sara = await rows.client()
    made = {"customer": "cus_1", "setup_intent": "seti_1", "client_secret": "secret"}
    engine.answers_to["set_up_card"] = Done(document=made)
    answer = await api.post(f"/v1/clients/{sara.id}/card-setup", headers=SITE)
    assert answer.json() == made | {"consent_text": FIRST_FEE_POLICY_TEXT, "consent_version": FIRST_FEE_POLICY}


async def test_a_text_that_has_changed_since_is_not_signed(
    api: httpx.AsyncClient, rows: Rows, engine: ToldEngine
) -> None:
    sara = await rows.client()
    path = f"/v1/clients/{sara.id}/forms"
    old = await api.put(f"{path}/billing_info", json=BILLING | {"consent_version": "2019-1"}, headers=SITE)
    consent = {"answers": {"agrees": True}, "signature": "Sara Lind", "consent_version": FIRST_FEE_POLICY}
    elsewhere = await api.put(f"{path}/informed_consent", json=consent, headers=SITE)
    assert fields_of(old) == fields_of(elsewhere) == ["consent_version"]
    assert engine.asked == []
    engine.answers_to["submit_form"] = Done()
    for said in ({}, {"consent_version": FIRST_FEE_POLICY}):
        _ = await api.put(f"{path}/billing_info", json=BILLING | said, headers=SITE)
    assert [asked.name for asked in engine.asked] == [SUBMIT_FORM.name] * 2
