"""Where a journey stands, and who could be the client's therapist today."""

from datetime import timedelta
from typing import Any

import httpx
from fastapi import FastAPI

from rules.enums import AppointmentStatus, PaymentStatus, Stage
from tests.api.callers import Callers
from tests.api.conftest import DESK, other_settings
from tests.care.rows import NOW, Rows


async def test_a_journey_says_what_it_waits_for_until_when_and_who_can_act(
    api: httpx.AsyncClient, app: FastAPI, rows: Rows, people: Callers
) -> None:
    ui = "https://ui.example/namespaces/default/workflows"
    sara = people.sara
    await rows.change(sara, first_booked_at=NOW, account_active=True, stage=Stage.IN_CARE)
    ahead = await rows.appointment(sara, people.ana, starts_at=NOW + timedelta(days=3))
    held = await rows.appointment(
        sara, people.ana, status=AppointmentStatus.OCCURRED, starts_at=NOW - timedelta(days=1)
    )
    await rows.payment(held, status=PaymentStatus.OWED)
    with other_settings(app, temporal_ui=ui):
        told = (await api.get(f"/v1/clients/{sara.id}/journey", headers=people.by("ana"))).json()
    assert (told["stage"], told["ref"], told["therapist"], told["closed"]) == ("in_care", sara.ref, "ana", False)
    session, owed = told["awaited"]
    assert (session["what"], session["about"]) == ("the session", str(ahead.id))
    assert session["until"] == ahead.starts_at.isoformat().replace("+00:00", "Z")
    assert owed["what"] == "a payment that is owed"
    assert {"client", "therapist", "care_team"} == set(owed["who"])
    assert told["temporal_ui"] == f"{ui}/client-journey%3A{sara.id}"


async def test_a_new_journey_tells_its_timers_and_a_closed_one_waits_for_nothing(
    api: httpx.AsyncClient, rows: Rows, people: Callers
) -> None:
    path = f"/v1/clients/{people.sara.id}/journey"
    told = (await api.get(path, headers=DESK)).json()
    assert [one["what"] for one in told["awaited"]] == ["the first booking"]
    assert told["temporal_ui"] is None
    await rows.change(people.sara, closed_at=NOW)
    told = (await api.get(path, headers=DESK)).json()
    assert (told["closed"], told["awaited"], told["next"]) == (True, [], [])


async def test_todays_candidates_are_ranked_by_the_form_with_why(
    api: httpx.AsyncClient, rows: Rows, people: Callers
) -> None:
    fits: dict[str, Any] = {"licensed_in": ["NY"], "modalities": ["individual"], "languages": ["en"]}
    for slug in ("a1", "a2", "a3", "a4", "a5"):
        await rows.therapist(slug, **fits)
    await rows.change(people.ana, **fits, caseload_limit=10)
    await rows.form_match(people.sara)
    told = (await api.get(f"/v1/clients/{people.sara.id}/candidates", headers=people.by("ana"))).json()
    assert told["by_form"] is True
    assert [one["therapist"] for one in told["candidates"]] == ["a1", "a2", "a3", "a4", "a5", "ana"]
    assert [one["present"] for one in told["candidates"]] == [False] * 5 + [True]
    assert all(one["earliest_slot"] for one in told["candidates"])
    factors = {one["factor"]: one["because"] for one in told["candidates"][-1]["factors"]}
    assert factors["caseload"] == "Has 9 of 10 places free."
    [out] = told["ruled_out"]
    assert (out["therapist"], "Is not licensed in NY." in out["because"]) == ("ben", True)


async def test_without_a_form_counts_who_takes_clients_and_may_work_there(
    api: httpx.AsyncClient, rows: Rows, people: Callers
) -> None:
    await rows.therapist("full", caseload_limit=0)
    await rows.therapist("away", accepting_clients=False)
    await rows.change(people.ben, licensed_in=["NY"])
    path = f"/v1/clients/{people.sara.id}/candidates"
    told = (await api.get(path, headers=DESK)).json()
    assert (told["by_form"], [one["therapist"] for one in told["candidates"]]) == (False, ["ana", "ben"])
    assert {one["therapist"]: one["because"] for one in told["ruled_out"]} == {
        "full": "Is at the caseload limit of 0.",
        "away": "Is not accepting clients.",
    }
    await rows.change(people.sara, state="NY")
    told = (await api.get(path, headers=DESK)).json()
    assert [one["therapist"] for one in told["candidates"]] == ["ben"]


async def test_other_answers_are_tried_and_not_kept(api: httpx.AsyncClient, rows: Rows, people: Callers) -> None:
    await rows.change(people.ana, licensed_in=["NY"], modalities=["individual"], languages=["en"])
    await rows.form_match(people.sara)
    path = f"/v1/clients/{people.sara.id}"
    before = (await api.get(f"{path}/match", headers=DESK)).json()
    body = {"answers": {"state": "NY", "modality": "individual"}}
    told = (await api.post(f"{path}/candidates", json=body, headers=DESK)).json()
    assert [one["therapist"] for one in told["candidates"]] == ["ana"]
    body = {"answers": {"state": "WY", "modality": "individual"}}
    told = (await api.post(f"{path}/candidates", json=body, headers=DESK)).json()
    assert told["candidates"] == []
    assert {one["name"] for one in told["ruled_out"]} == {people.ana.name, people.ben.name}
    assert (await api.get(f"{path}/match", headers=DESK)).json() == before
    body = {"answers": {"state": "Narnia", "modality": "individual"}}
    refused = await api.post(f"{path}/candidates", json=body, headers=DESK)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "answers.state"
