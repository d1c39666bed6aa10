"""The words of the matching form: what can be answered, what cannot, and who words it."""

import asyncio
from typing import Any

import httpx
import pytest

from activities.types.clients import Opened
from api.explained.schemas import EXPLAINED
from api.matching.standards import standard_words
from models.tables import FormWords
from rules.clients.vocabulary import FormPart
from rules.refusals import Problem
from tests.api.conftest import DESK, SITE, ToldEngine, problem_of
from tests.api.engine.test_asking import _facts
from tests.care.rows import Rows

ANSWERS = {"state": "NY", "modality": "individual"}
ANA = {
    "slug": "ana",
    "name": "Ana Silva",
    "email": "ana@practice.example",
    "time_zone": "America/New_York",
    "session_fee": {"amount": 15000, "currency": "USD"},
}
FORM = "/v1/matching-form"


def journey(**answers: Any) -> dict[str, Any]:
    return {"source": "matching_form", "answers": ANSWERS | answers}


@pytest.fixture(autouse=True)
def opens(engine: ToldEngine) -> None:
    engine.answers_to["begin"] = Opened(facts=_facts(therapist="ana"), therapist="ana", match={"therapist": "ana"})


def offered(form: Any, part: str) -> dict[str, int]:
    return {word["code"]: word["offered_by"] for word in form[part] if word["offered_by"]}


def errors_of(answer: httpx.Response) -> dict[str, list[str]]:
    assert (answer.status_code, problem_of(answer)) == (422, "validation-failed"), answer.text
    return {line["field"]: [word["code"] for word in line["nearest"]] for line in answer.json()["errors"]}


# ---------------------------------------------------------------- the form


async def test_it_lists_the_words_with_names_and_how_many_offer_them(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist(
        "ana", licensed_in=["NY", "NJ"], languages=["en", "pt"], modalities=["individual"], gender="female"
    )
    await rows.therapist("ben", licensed_in=["NY"], languages=["en"], concerns=["sleep"], insurances=["Aetna"])
    await rows.therapist("cat", licensed_in=["CA"], languages=["ja"], accepting_clients=False)

    form = (await api.get(FORM)).json()

    assert offered(form, "states") == {"NJ": 1, "NY": 2}
    assert offered(form, "languages") == {"en": 2, "pt": 1}
    assert (offered(form, "concerns"), offered(form, "insurances")) == ({"sleep": 1}, {"Aetna": 1})
    assert (offered(form, "modalities"), offered(form, "genders")) == ({"individual": 1}, {"female": 1})
    assert {"code": "NY", "name": "New York", "offered_by": 2} in form["states"]
    assert {"code": "ja", "name": "Japanese", "offered_by": 0} in form["languages"]
    assert [word["name"] for word in form["states"]] == sorted(word["name"] for word in form["states"])
    assert form["version"] == 1


def test_states_are_those_of_the_practices_countries() -> None:
    home = standard_words(("US",))[FormPart.STATES]
    both = {word.code: word.name for word in standard_words(("GB", "US"))[FormPart.STATES]}
    assert len(home) == 57
    assert {code for code in both if not code.startswith("US-")} == {"ENG", "NIR", "SCT", "WLS"}
    assert (both["WLS"], both["US-NY"]) == ("Wales", "New York")
    assert [str(word) for word in standard_words(("AW",))[FormPart.STATES]] == ["AW (Aruba)"]  # one without any


def test_languages_are_those_that_are_spoken_or_signed_today() -> None:
    names = {word.code: word.name for word in standard_words(("US",))[FormPart.LANGUAGES]}
    assert names.items() >= {"en": "English", "el": "Greek", "hmn": "Hmong", "bfi": "British Sign Language"}.items()
    assert not names.keys() & {"la", "tlh", "und", "zh_Hans"}
    assert len(set(names.values())) == len(names)


# ---------------------------------------------------------------- what is said in its words


@pytest.mark.parametrize(
    ("said", "errors"),
    [
        ({"state": "New York"}, {"answers.state": ["NY"]}),
        ({"languages": ["es", "English"]}, {"answers.languages[1]": ["en"]}),
        ({"concerns": ["anxious", "sleep"]}, {"answers.concerns[0]": ["anxiety"]}),
        ({"therapist_gender": "woman"}, {"answers.therapist_gender": ["female", "male", "nonbinary"]}),
        ({"insurance": "Blue Shield"}, {"answers.insurance": ["Blue Cross"]}),
        ({"state": "zz", "insurance": "qqq"}, {"answers.state": [], "answers.insurance": []}),
    ],
)
async def test_a_form_in_other_words_is_refused_with_the_nearest(
    api: httpx.AsyncClient, engine: ToldEngine, said: Any, errors: Any
) -> None:
    answer = await api.post("/v1/journeys", json=journey(**said), headers=SITE)
    assert errors_of(answer) == errors
    assert engine.asked == []  # nothing was begun
    for word in ("New York city", "woman", "anxious", "qqq"):
        assert word not in answer.text  # what was said is not said again


async def test_the_refusal_names_the_words_in_its_sentence(api: httpx.AsyncClient) -> None:
    answer = await api.post("/v1/journeys", json=journey(state="New York"), headers=SITE)
    said = "answers.state: is none of the states of the matching form; nearest: NY (New York)"
    assert answer.json()["detail"] == said
    described: Any = EXPLAINED[Problem.VALIDATION_FAILED].members["errors"].schema
    assert "nearest" in described["items"]["properties"]


async def test_many_wrong_words_are_all_named_and_the_first_explained(api: httpx.AsyncClient) -> None:
    answer = await api.post("/v1/journeys", json=journey(languages=["English"] * 100), headers=SITE)
    nearest = list(errors_of(answer).values())
    assert nearest == [["en"]] * 5 + [[]] * 95


async def test_words_are_kept_by_their_code_and_once(api: httpx.AsyncClient, engine: ToldEngine, rows: Rows) -> None:
    said = {"state": " ny", "languages": ["EN", "en"], "concerns": ["ADHD", "Grief"], "insurance": "aetna"}
    answer = await api.post("/v1/journeys", json=journey(**said), headers=SITE)
    assert answer.status_code in (201, 202), answer.text
    [asked] = engine.asked
    kept = (await rows.handed_in(asked.order))["answers"]
    assert {name: kept[name] for name in ("state", "languages", "concerns", "insurance", "modality")} == {
        "state": "NY",
        "languages": ["en"],
        "concerns": ["adhd", "grief"],
        "insurance": "Aetna",
        "modality": "individual",
    }


async def test_a_word_that_nobody_offers_now_is_accepted_and_named(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist("ana", licensed_in=["NY"], languages=["en"], modalities=["individual"], concerns=["sleep"])
    await rows.therapist("ben", languages=["ja"], gender="male", accepting_clients=False)
    said = {"languages": ["ja", "en"], "concerns": ["sleep", "grief"], "therapist_gender": "male"}
    answer = await api.post("/v1/journeys", json=journey(**said), headers=SITE)
    assert answer.json()["not_offered"] == [
        {"field": "answers.concerns", "code": "grief", "name": "Grief"},
        {"field": "answers.languages", "code": "ja", "name": "Japanese"},
        {"field": "answers.therapist_gender", "code": "male", "name": "Male"},
    ]
    answer = await api.post("/v1/journeys", json=journey(languages=["en"]), headers=SITE)
    assert answer.json()["not_offered"] == []


async def test_who_comes_without_a_form_is_told_of_no_words(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist("ana")
    body = {"source": "direct_booking", "therapist": "ana"}
    assert "not_offered" not in (await api.post("/v1/journeys", json=body, headers=SITE)).json()


@pytest.mark.parametrize(
    ("said", "errors"),
    [
        ({"licensed_in": ["NY", "Californa"]}, {"licensed_in[1]": ["CA"]}),
        ({"languages": ["Spanish"]}, {"languages[0]": ["es"]}),
        ({"gender": "f"}, {"gender": ["female", "male", "nonbinary"]}),
        (
            {"concerns": ["sleeping badly"], "insurances": ["Aetna Inc"]},
            {"concerns[0]": ["sleep"], "insurances[0]": ["Aetna"]},
        ),
    ],
)
async def test_a_profile_in_other_words_is_refused_with_the_nearest(
    api: httpx.AsyncClient, rows: Rows, said: Any, errors: Any
) -> None:
    found = errors_of(await api.post("/v1/therapists", json=ANA | said, headers=DESK))
    assert {field: near[: len(errors[field])] for field, near in found.items()} == errors
    assert (await api.get("/v1/therapists/ana")).status_code == 404
    await rows.therapist("ana", licensed_in=["NJ"])
    again = errors_of(await api.patch("/v1/therapists/ana", json=said | {"name": "Else"}, headers=DESK))
    assert again == found
    profile = (await api.get("/v1/therapists/ana")).json()
    assert (profile["name"], profile["licensed_in"]) == ("Ana", ["NJ"])


async def test_a_profile_is_kept_by_code(api: httpx.AsyncClient) -> None:
    said = {"licensed_in": ["ny", "NY"], "languages": ["ES"], "modalities": ["couples"], "gender": "Female"}
    made = await api.post("/v1/therapists", json=ANA | said, headers=DESK)
    assert made.status_code == 201, made.text
    profile = made.json()
    kept = [profile[name] for name in ("licensed_in", "languages", "modalities", "gender")]
    assert kept == [["NY"], ["es"], ["couples"], "female"]
    cleared = await api.patch("/v1/therapists/ana", json={"gender": None, "concerns": ["Sleep"]}, headers=DESK)
    assert (cleared.json()["gender"], cleared.json()["concerns"]) == (None, ["sleep"])
    wrong = await api.patch("/v1/therapists/ana", json={"modalities": ["group"]}, headers=DESK)
    assert wrong.json()["errors"][0]["field"] == "modalities[0]"


# ---------------------------------------------------------------- who words it


async def test_the_practice_words_it_and_the_new_words_hold_at_once(api: httpx.AsyncClient, rows: Rows) -> None:
    concerns = [{"code": "worry", "name": "Worries and fears"}, {"code": "sleep"}]
    changed = await api.patch(FORM, json={"concerns": concerns}, headers=DESK)
    assert changed.status_code == 200, changed.text
    form = (await api.get(FORM)).json()
    assert changed.json() == form
    assert (form["version"], [(word["code"], word["name"]) for word in form["concerns"]]) == (
        2,
        [("worry", "Worries and fears"), ("sleep", "sleep")],
    )
    assert len(form["insurances"]) > 5  # as they were
    told = errors_of(await api.post("/v1/journeys", json=journey(concerns=["anxiety", "fears"]), headers=SITE))
    assert told == {"answers.concerns[0]": ["worry", "sleep"], "answers.concerns[1]": ["worry"]}
    assert (await api.post("/v1/journeys", json=journey(concerns=["worry"]), headers=SITE)).status_code in (201, 202)
    # The same again is no new version, and who made which stays known.
    assert (await api.patch(FORM, json={"concerns": concerns}, headers=DESK)).json()["version"] == 2
    async with rows.sessions() as session:
        made = [(await session.get_one(FormWords, number)).made_by for number in (1, 2)]
    assert made == ["system", "care_team:desk"]


async def test_a_word_of_a_profile_stays_until_it_is_taken_out_there(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist("ana", insurances=["Aetna", "Cigna"], accepting_clients=False)
    await rows.therapist("ben", insurances=["Aetna"])
    body: Any = {"insurances": [{"code": "Cigna"}], "genders": []}
    refused = await api.patch(FORM, json=body, headers=DESK)
    assert refused.json()["errors"] == [
        {"field": "insurances", "message": "Aetna is in the profile of ana, ben: take it out there first"}
    ]
    assert (await api.get(FORM)).json()["version"] == 1
    for slug, left in (("ana", ["Cigna"]), ("ben", [])):
        assert (await api.patch(f"/v1/therapists/{slug}", json={"insurances": left}, headers=DESK)).status_code == 200
    changed = (await api.patch(FORM, json=body, headers=DESK)).json()
    assert ([word["code"] for word in changed["insurances"]], changed["genders"]) == (["Cigna"], [])


async def test_a_profile_and_the_form_never_part_whoever_is_quicker(api: httpx.AsyncClient, rows: Rows) -> None:
    await rows.therapist("ana")
    with_it, without = [{"code": "Aetna"}, {"code": "Cigna"}], [{"code": "Cigna"}]
    for _ in range(5):
        assert (await api.patch(FORM, json={"insurances": with_it}, headers=DESK)).status_code == 200
        offers = api.patch("/v1/therapists/ana", json={"insurances": ["Aetna"]}, headers=DESK)
        leaves_out = api.patch(FORM, json={"insurances": without}, headers=DESK)
        answers = await asyncio.gather(offers, leaves_out)
        assert sorted(answer.status_code for answer in answers) == [200, 422]
        await api.patch("/v1/therapists/ana", json={"insurances": []}, headers=DESK)


async def test_a_word_twice_is_refused(api: httpx.AsyncClient) -> None:
    refused = await api.patch(FORM, json={"concerns": [{"code": "Sleep"}, {"code": "sleep"}]}, headers=DESK)
    assert refused.json()["errors"] == [{"field": "concerns", "message": "has sleep twice"}]


async def test_states_and_languages_are_no_practices_own(api: httpx.AsyncClient) -> None:
    refused = await api.patch(FORM, json={"states": []}, headers=DESK)
    assert refused.json()["errors"] == [{"field": "states", "message": "is not a field of this request"}]
