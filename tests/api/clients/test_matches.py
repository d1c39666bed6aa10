"""A match with what the form said, for those who match; made again, and tried with other weights."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from models.reads.clients.matches import present_match
from models.tables import Client, FormMatch, Match, Therapist
from rules.accounts.accesses import AccessEvent, AccessKind
from rules.enums import Source
from tests.api.access_log.log import lines
from tests.api.conftest import DESK, SITE, problem_of
from tests.care.rows import NOW, Rows

NOTE = "I would rather not say it on the phone"
SAID = {
    "state": "NY",
    "modality": "individual",
    "concerns": ["anxiety", "grief"],
    "languages": ["es", "en"],
    "note": NOTE,
}
LANGUAGE_ALONE = {"concerns": 0, "preferred_times": 0, "insurance": 0, "first_language": 1, "caseload": 0}


async def therapists(rows: Rows) -> tuple[Therapist, Therapist]:
    usual: Any = {"licensed_in": ["NY"], "modalities": ["individual"]}
    ana = await rows.therapist("ana", concerns=["anxiety", "grief"], languages=["en"], **usual)
    ben = await rows.therapist("ben", languages=["es"], **usual)
    await rows.therapist("cat", languages=["en"], licensed_in=["CA"], modalities=["individual"])
    return ana, ben


async def present(rows: Rows, client: Client) -> Match:
    async with rows.sessions() as session:
        row = await present_match(session, client.id)
    assert row is not None
    assert row.match is not None
    return row.match


async def matched(rows: Rows) -> tuple[Client, Therapist, Therapist, FormMatch]:
    """Sara, who is Ana's by her form."""
    ana, ben = await therapists(rows)
    sara = await rows.client(ana)
    made = await present(rows, sara)
    await rows.change(made, how=Source.MATCHING_FORM)
    return sara, ana, ben, await rows.form_match(sara, match=made, answers=SAID)


async def read(api: httpx.AsyncClient, client: Client, headers: Any = DESK) -> Any:
    answer = await api.get(f"/v1/clients/{client.id}/match", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def replayed(api: httpx.AsyncClient, client: Client, body: Any = None) -> Any:
    answer = await api.post(f"/v1/clients/{client.id}/match/replay", json=body, headers=DESK)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_those_who_match_read_answers_and_note(
    api: httpx.AsyncClient, rows: Rows, therapist_token: Callable[[str], Any]
) -> None:
    sara, *_ = await matched(rows)
    for headers in (DESK, await therapist_token("ana")):
        told = await read(api, sara, headers)
        assert told["note"] == NOTE
        assert told["answers"] == {name: value for name, value in SAID.items() if name != "note"}
        assert (told["match"]["therapist"], told["match"]["how"]) == ("ana", "matching_form")
        assert told["match"]["weights"]["concerns"] == 0.4
        assert [runner["therapist"] for runner in told["match"]["runners_up"]] == ["ben"]
        assert [out["therapist"] for out in told["match"]["ruled_out"]] == ["cat"]
        assert told["earlier"] == []
    missing = await api.get(f"/v1/clients/{sara.id}/match", headers=await therapist_token("ben"))
    assert problem_of(missing) == "not-found"


async def test_a_rematch_keeps_what_was_before(api: httpx.AsyncClient, rows: Rows) -> None:
    sara, _, ben, _ = await matched(rows)
    tomorrow = NOW + timedelta(days=1)
    await rows.change(await present(rows, sara), ended_at=tomorrow)
    by_hand: Any = {"how": Source.CARE_TEAM, "reason": "asked for evenings", "made_by": "x", "made_at": tomorrow}
    await rows.add(Match(id=uuid4(), client_id=sara.id, therapist_id=ben.id, **by_hand))
    told = await read(api, sara)
    assert (told["match"]["therapist"], told["match"]["reason"]) == ("ben", "asked for evenings")
    [before] = told["earlier"]
    assert (before["therapist"], before["factors"][0]["because"]) == ("ana", "Covers 2 of 2 concerns: anxiety, grief.")
    assert told["note"] == NOTE


async def test_a_form_that_nobody_fits_says_why(api: httpx.AsyncClient, rows: Rows) -> None:
    await therapists(rows)
    tom = await rows.client()
    await rows.form_match(tom, answers=SAID | {"state": "WY"})
    told = await read(api, tom)
    assert (told["match"]["therapist"], told["match"]["how"]) == (None, "matching_form")
    assert {out["therapist"] for out in told["match"]["ruled_out"]} == {"ana", "ben", "cat"}
    assert told["answers"]["state"] == "WY"
    assert (await replayed(api, tom))["same"] is True


async def test_who_came_without_a_form_has_a_match_and_nothing_to_replay(api: httpx.AsyncClient, rows: Rows) -> None:
    ana, _ = await therapists(rows)
    sara = await rows.client(ana)
    await rows.change(await present(rows, sara), how=Source.DIRECT_BOOKING)
    told = await read(api, sara)
    assert (told["match"]["therapist"], told["answers"], told["note"]) == ("ana", None, None)
    answer = await api.post(f"/v1/clients/{sara.id}/match/replay", headers=DESK)
    assert (answer.status_code, answer.json()["detail"]) == (404, "There is no such matching form of this client.")
    nobody = await rows.client()
    assert (await read(api, nobody))["match"] is None


async def test_the_same_again_whatever_has_changed_since(api: httpx.AsyncClient, rows: Rows) -> None:
    sara, ana, ben, form = await matched(rows)
    await rows.change(ana, concerns=[], accepting_clients=False, licensed_in=[])
    await rows.change(ben, concerns=["anxiety", "grief"])
    for body in (None, {}, {"weights": None}):
        again = await replayed(api, sara, body)
        assert (again["same"], again["moved"]) == (True, [])
        assert again["match"] == form.explanation
        assert again["match"]["therapist"] == "ana"


async def test_what_if_with_other_weights_changes_nothing(api: httpx.AsyncClient, rows: Rows) -> None:
    sara, *_ = await matched(rows)
    tables = ("client", "match", "form_match", "fact", "outbox", "idempotency_key", "step_answer")
    before = await rows.snapshot(*tables)
    tried = await replayed(api, sara, {"weights": LANGUAGE_ALONE})
    assert (tried["match"]["therapist"], tried["match"]["weights_version"], tried["same"]) == ("ben", "tried", False)
    assert tried["moved"] == [
        {"therapist": "ben", "before": {"place": 2, "score": 0.6}, "after": {"place": 1, "score": 1.0}},
        {"therapist": "ana", "before": {"place": 1, "score": 0.9}, "after": {"place": 2, "score": 0.0}},
    ]
    assert await rows.snapshot(*tables) == before
    assert (await read(api, sara))["match"]["therapist"] == "ana"


async def test_a_record_that_was_changed_gives_another_match(api: httpx.AsyncClient, rows: Rows) -> None:
    sara, _, _, form = await matched(rows)
    await rows.change(form, explanation=form.explanation | {"score": 1.0})
    assert (await replayed(api, sara))["same"] is False


@pytest.mark.parametrize(
    ("change", "field", "because"),
    [
        ({"concerns": 0.5}, "weights", "must together be exactly 1, not 1.5"),
        ({"first_language": 0.3}, "weights", "must together be exactly 1, not 0.3"),
        ({"caseload": 0.0000001}, "weights", "must together be exactly 1, not 1.0000001"),
        ({"concerns": -0.5, "first_language": 1}, "weights.concerns", "input should be greater than or equal to 0"),
        ({"first_language": 1.5}, "weights.first_language", "input should be less than or equal to 1"),
        ({"caseload": None}, "weights.caseload", "input should be a valid number"),
        ({"caseload": "0"}, "weights.caseload", "input should be a valid number"),
        ({"times": 0}, "weights.times", "is not a field of this request"),
    ],
)
async def test_weights_are_all_five_shares_of_one(
    api: httpx.AsyncClient, rows: Rows, change: Any, field: str, because: str
) -> None:
    sara, *_ = await matched(rows)
    answer = await api.post(
        f"/v1/clients/{sara.id}/match/replay", json={"weights": LANGUAGE_ALONE | change}, headers=DESK
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0] == {"field": field, "message": because}
    left_out = {name: weight for name, weight in LANGUAGE_ALONE.items() if name != "caseload"}
    answer = await api.post(f"/v1/clients/{sara.id}/match/replay", json={"weights": left_out}, headers=DESK)
    assert answer.json()["errors"] == [{"field": "weights.caseload", "message": "is required"}]


async def test_the_site_and_clients_read_none_of_it(api: httpx.AsyncClient, rows: Rows) -> None:
    sara, *_ = await matched(rows)
    own = await rows.session_of(await rows.account(sara))
    for headers in (SITE, own):
        for call in (
            api.get(f"/v1/clients/{sara.id}/match", headers=headers),
            api.post(f"/v1/clients/{sara.id}/match/replay", headers=headers),
        ):
            assert problem_of(await call) == "not-allowed"


async def test_who_looked_is_written_down_as_a_look_at_forms(api: httpx.AsyncClient, rows: Rows) -> None:
    sara, *_ = await matched(rows)
    await read(api, sara)
    await replayed(api, sara, {"weights": LANGUAGE_ALONE})
    found = [(line.event, line.kind, line.whose) for line in await lines(rows.sessions, AccessEvent.READ)]
    assert found == [(AccessEvent.READ, AccessKind.FORMS, [sara.id])]  # one line for a quarter of an hour
