"""Who is there to approve, who sees what waits, and answers that were lost."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from activities.money.credits import CreditActivities
from api.problems import EngineUnavailable
from models.tables import Client, Therapist
from rules.enums import Role
from rules.policy import Ceiling, JourneyPolicy
from tests.api.conftest import DESK, OFFICE, StandingClock, ToldEngine, problem_of, steps_behind
from tests.care.rows import NOW, Rows

POLICY = JourneyPolicy(
    second_person_above=tuple(Ceiling(role=role, currency="USD", amount=5000) for role in Role if role.is_practice)
)
BODY = {"amount": 5001, "currency": "USD", "reason": "a gift"}
Headers = dict[str, str]


@pytest.fixture
async def ana(rows: Rows) -> Therapist:
    return await rows.therapist("ana")


@pytest.fixture
async def sara(rows: Rows, ana: Therapist) -> Client:
    return await rows.client(ana)


@pytest.fixture
def house(
    app: FastAPI, rows: Rows, clock: StandingClock, engine: ToldEngine
) -> Iterator[Callable[..., CreditActivities]]:
    """A ceiling of 50 dollars, with these keys; the step runs at once, where the engine would have run it."""

    def open(*keys: str) -> CreditActivities:
        settings = app.state.services.settings
        kept = tuple(key for key in settings.service_keys if key.name in keys)
        app.state.services = replace(app.state.services, settings=replace(settings, policy=POLICY, service_keys=kept))
        steps = CreditActivities(replace(steps_behind(rows, clock), policy=POLICY))
        engine.answers_to["grant_credit"] = steps.grant_credit
        return steps

    settings = app.state.services.settings
    yield open
    app.state.services = replace(app.state.services, settings=settings)


async def asked(api: httpx.AsyncClient, sara: Client, by: Headers = DESK, **more: Any) -> httpx.Response:
    return await api.post(f"/v1/clients/{sara.id}/credits", json=BODY | more, headers=by)


async def test_with_nobody_else_it_is_refused(
    api: httpx.AsyncClient, rows: Rows, ana: Therapist, sara: Client, house: Callable[..., CreditActivities]
) -> None:
    _ = house("desk")
    ben = await rows.therapist("ben")
    await rows.staff("invited", Role.CARE_TEAM, activated_at=None)
    await rows.staff("ended", Role.CARE_TEAM, deactivated_at=NOW)
    await rows.staff("olga", Role.ADMIN)  # sees no client
    await rows.staff("ben-weber", Role.THERAPIST, therapist=ben)  # sees other clients
    answer = await asked(api, sara)
    assert (answer.status_code, problem_of(answer)) == (409, "second-person-required")
    assert (answer.json()["amount"], answer.json()["currency"]) == (5001, "USD")
    assert (await asked(api, sara, amount=5000)).status_code == 201
    await rows.staff("ana-silva", Role.THERAPIST, therapist=ana)
    assert (await asked(api, sara)).status_code == 202


async def test_a_colleague_is_somebody_else(
    api: httpx.AsyncClient, rows: Rows, sara: Client, house: Callable[..., CreditActivities]
) -> None:
    _ = house()
    maria = await rows.staff("maria", Role.CARE_TEAM, Role.ADMIN)
    by_maria = await rows.session_of(maria)
    assert problem_of(await asked(api, sara, by_maria)) == "second-person-required"  # her other role is hers too
    await rows.staff("ivo", Role.CARE_TEAM)
    assert (await asked(api, sara, by_maria)).status_code == 202


async def test_for_people_no_program_is_somebody_else(
    api: httpx.AsyncClient, rows: Rows, ana: Therapist, sara: Client, house: Callable[..., CreditActivities]
) -> None:
    """Neither a key nor a therapist's token: whoever asks may have made them."""
    _ = house("site", "office")
    by_maria = await rows.session_of(await rows.staff("maria", Role.CARE_TEAM, Role.ADMIN))
    assert problem_of(await asked(api, sara, by_maria)) == "second-person-required"
    by_ivo = await rows.session_of(await rows.staff("ivo", Role.CARE_TEAM))
    waits = (await asked(api, sara, by_maria)).json()["approval_id"]
    token = {"Authorization": f"Bearer {await rows.token_of(ana.slug)}"}
    for program in (OFFICE, token):
        assert problem_of(await api.post(f"/v1/approvals/{waits}/approve", headers=program)) == "not-allowed"
    assert (await api.post(f"/v1/approvals/{waits}/approve", headers=by_ivo)).status_code == 200


async def test_where_nobody_can_sign_in_another_program_is_somebody_else(
    api: httpx.AsyncClient, sara: Client, house: Callable[..., CreditActivities]
) -> None:
    _ = house("site", "desk", "office")
    waits = (await asked(api, sara)).json()["approval_id"]
    assert (await api.post(f"/v1/approvals/{waits}/approve", headers=OFFICE)).status_code == 200
    _ = house("site", "desk")
    assert problem_of(await asked(api, sara)) == "second-person-required"  # the site decides nothing


async def test_listed_by_how_it_stands_for_whoever_may_decide(
    *,
    api: httpx.AsyncClient,
    rows: Rows,
    ana: Therapist,
    sara: Client,
    clock: StandingClock,
    house: Callable[..., CreditActivities],
) -> None:
    _ = house("desk", "office")
    tom = await rows.client(await rows.therapist("ben"))
    by_ana = await rows.session_of(await rows.staff("ana-silva", Role.THERAPIST, therapist=ana))
    _ = await rows.staff("ivo", Role.CARE_TEAM)
    mine, toms = [(await asked(api, client)).json()["approval_id"] for client in (sara, tom)]

    async def ids(by: Headers = DESK, **params: Any) -> list[str]:
        answer = await api.get("/v1/approvals", headers=by, params=params)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert set(await ids()) == {mine, toms}
    assert (await ids(by_ana), await ids(client=str(tom.id))) == ([mine], [toms])
    assert problem_of(await api.post(f"/v1/approvals/{toms}/approve", headers=by_ana)) == "not-found"
    assert (await api.post(f"/v1/approvals/{mine}/approve", headers=by_ana)).status_code == 200
    clock.advance(days=7)
    found = [await ids(status=status) for status in ("open", "approved", "refused", "lapsed")]
    assert found == [[], [mine], [], [toms]]
    first = (await api.get("/v1/approvals", headers=OFFICE, params={"limit": 1})).json()
    rest = await ids(limit=1, cursor=first["next_cursor"])
    assert {first["items"][0]["id"], *rest} == {mine, toms}


async def test_an_answer_that_is_lost_and_asked_for_again_is_one_credit(
    api: httpx.AsyncClient,
    rows: Rows,
    sara: Client,
    engine: ToldEngine,
    house: Callable[..., CreditActivities],
) -> None:
    steps = house("desk", "office")
    waits = (await asked(api, sara)).json()["approval_id"]

    async def done_and_lost(order: Any) -> None:
        await steps.grant_credit(order)
        raise EngineUnavailable

    engine.answers_to["grant_credit"] = done_and_lost
    key = OFFICE | {"Idempotency-Key": "once"}
    assert (await api.post(f"/v1/approvals/{waits}/approve", headers=key)).status_code == 503
    engine.answers_to["grant_credit"] = steps.grant_credit
    for headers in (key, key, OFFICE):
        answer = await api.post(f"/v1/approvals/{waits}/approve", headers=headers)
        assert (answer.status_code, answer.json()["status"], answer.json()["settled_by"]) == (
            200, "approved", "care_team:office"
        )  # fmt: skip
    credits = (await api.get(f"/v1/clients/{sara.id}/credits", headers=DESK)).json()["items"]
    assert [(one["amount"], one["given_by"], one["approved_by"]) for one in credits] == [
        (5001, "care_team:desk", "care_team:office")
    ]
    request = next(asked.order.request_id for asked in engine.asked if asked.name == "grant_credit")
    assert [asked.order.request_id for asked in engine.asked if asked.name == "grant_credit"] == [request] * 4
    updates = [asked.request_id for asked in engine.asked if asked.name == "grant_credit"]
    assert updates[1] == updates[2] != updates[3]  # the same try joins the first, another one does not
    assert all(update.startswith(request) for update in updates)
    assert (await api.get("/v1/approvals", headers=DESK, params={"status": "open"})).json()["items"] == []
