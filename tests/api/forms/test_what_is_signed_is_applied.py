"""One number for each client and appointment: in the text that is signed, the mail, the API's answer, and the rule."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from api.announcing import propose_numbers
from models.tables import Client
from models.tables.booking.appointment import Appointment
from models.tables.forms.form import FormAnswer, FormRequest
from rules.money.terms import Terms
from rules.policy import JourneyPolicy
from rules.time_words import in_words
from tests.api.conftest import SITE, problem_of
from tests.api.forms.texts import Texts

MINUTE = timedelta(minutes=1)
minutes = st.integers(1, 6 * 24 * 60).map(lambda count: count * MINUTE)


@st.composite
def policies(draw: st.DrawFn) -> JourneyPolicy:
    after, deadline = sorted((draw(minutes), draw(minutes)))
    return JourneyPolicy(
        notice_window=draw(minutes),
        charge_after=after,
        charge_deadline=deadline,
        charge_retries=tuple(draw(st.lists(minutes, max_size=3))),
    )


async def signed_text(texts: Texts, client: Client) -> str:
    statement = (
        select(FormAnswer.consent_text)
        .join(FormRequest, col(FormRequest.id) == FormAnswer.request_id)
        .where(col(FormRequest.client_id) == client.id, col(FormAnswer.consent_text).is_not(None))
        .order_by(col(FormAnswer.answered_at).desc())
    )
    async with texts.rows.sessions() as session:
        return (await session.exec(statement.limit(1))).one() or ""


async def holds_to(texts: Texts, client: Client, booked: dict[str, Any], policy: JourneyPolicy, version: int) -> None:
    """Its row, its mail, its answer and its rule say what this policy says."""
    notice = in_words(policy.notice_window)
    assert (booked["notice_window"], booked["fee_policy_version"]) == (notice, version)
    [mail] = [mail for mail in await texts.mails(client) if mail.template == "booking_confirmation"]
    assert f"until {notice} before it starts" in mail.text
    assert f"until {notice} before it starts" in mail.html
    async with texts.rows.sessions() as session:
        row = (await session.exec(select(Appointment).where(col(Appointment.id) == booked["id"]))).one()
    assert row.agreed == Terms.of(policy)
    # Exactly at the window it may be cancelled, and a moment later not any more.
    starts_at, now = datetime.fromisoformat(booked["starts_at"]), texts.clock.time
    path, body = f"/v1/appointments/{booked['id']}/cancel", {"reason": "ill"}
    texts.clock.time = max(now, starts_at - policy.notice_window + timedelta(seconds=1))
    late = await texts.api.post(path, json=body, headers=SITE)
    assert problem_of(late) == "late-change-contact-therapist"
    assert late.json()["notice_window"] == notice
    assert f"less than {notice} " in late.json()["detail"]
    texts.clock.time = starts_at - policy.notice_window
    if texts.clock.time >= now:
        assert (await texts.api.post(path, json=body, headers=SITE)).status_code == 200
    texts.clock.time = now


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(policy=policies())
async def test_x9_what_is_signed_is_what_is_applied(texts: Texts, app: FastAPI, policy: JourneyPolicy) -> None:
    texts.clock.advance(days=400)  # what was booked before is in nobody's way
    in_force = await texts.get("/fee_policy")
    old = (await texts.versions("fee_policy"))[-1]
    former = replace(JourneyPolicy(), **{name: getattr(Terms.read(old.terms), name) for name in old.terms})
    sara = await texts.client()
    first = await texts.books(sara)
    await holds_to(texts, sara, first, former, in_force["version"])
    for kind in ("informed_consent", "initial_consultation", "billing_info"):
        await texts.signs(sara, kind)
    assert f"until {in_words(former.notice_window)} before it begins" in await signed_text(texts, sara)

    services = app.state.services
    app.state.services = replace(services, settings=replace(services.settings, policy=policy))
    await propose_numbers(app.state.services)
    changed = Terms.of(policy) != Terms.of(former)
    if changed:
        await texts.publish("fee_policy")
    app.state.services = services
    version = in_force["version"] + changed
    text = await texts.get("/fee_policy")
    assert text["version"] == version
    assert f"until {in_words(policy.notice_window)} before it begins" in text["body"]
    for name in ("charge_after", "charge_deadline"):
        assert text["numbers"][name] == in_words(getattr(policy, name))
        assert text["numbers"][name] in text["body"]
    # Sara signed the former one, and books under it, until she signs the new one. Otto has signed nothing.
    await holds_to(texts, sara, await texts.books(sara), former, in_force["version"])
    otto = await texts.client()
    await holds_to(texts, otto, await texts.books(otto), policy, version)
    await texts.signs(sara)
    assert f"until {in_words(policy.notice_window)} before it begins" in await signed_text(texts, sara)
    await holds_to(texts, sara, await texts.books(sara), policy, version)
    looked = await texts.api.get(f"/v1/appointments/{first['id']}", headers=SITE)
    assert looked.json()["notice_window"] == first["notice_window"]
