"""A match again from its record: the same, whatever holds today, and what other weights would have made of it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.clients.answers import Answers
from rules.clients.candidates import candidates_of
from rules.clients.matching import match
from rules.clients.replaying import TRIED, MatchPlace, MovedInRank, moved, replay
from rules.clients.weights import CURRENT_WEIGHTS, Weights

AT = datetime(2026, 12, 1, 9, tzinfo=UTC)
ANSWERS = Answers(state="NY", modality="individual", concerns=("anxiety", "grief"), languages=("es", "en"))
LANGUAGE_ALONE = Weights(version=TRIED, concerns=0, preferred_times=0, insurance=0, first_language=1, caseload=0)


def line(slug: str, **known: Any) -> dict[str, Any]:
    usual = {"name": slug.title(), "accepting_clients": True, "gender": None, "intro_calls": "optional"}
    usual |= {"caseload_limit": None, "active_clients": 0, "licensed_in": ["NY"], "concerns": [], "languages": ["en"]}
    return {"slug": slug, **usual, "modalities": ["individual"], "insurances": [], "weekly": [], **known}


ANA = line("ana", concerns=["anxiety", "grief"])
BEN = line("ben", languages=["es"], active_clients=3)
CAT = line("cat", languages=["es"], active_clients=1)
DAN = line("dan", licensed_in=["CA"])


def made(*record: dict[str, Any], weights: Weights = CURRENT_WEIGHTS) -> dict[str, Any]:
    """The document that is kept, as it comes back from the database."""
    slots = {one["slug"]: AT + timedelta(hours=number) for number, one in enumerate(record)}
    found = match(answers=ANSWERS, candidates=candidates_of(record), weights=weights, earliest_slot=slots.get)
    document: dict[str, Any] = json.loads(json.dumps(found.to_document()))
    return document


def test_the_same_again_with_the_weights_and_slots_of_then() -> None:
    for weights in (CURRENT_WEIGHTS, Weights(version="2020-1", concerns=0.10, first_language=0.40)):
        kept = made(ANA, BEN, CAT, DAN, weights=weights)
        again = replay(answers=ANSWERS, record=[ANA, BEN, CAT, DAN], explanation=kept)
        assert again.to_document() == kept
        assert moved(kept, again.to_document()) == []


def test_where_nobody_fits_it_says_why_again() -> None:
    kept = made(DAN)
    again = replay(answers=ANSWERS, record=[DAN], explanation=kept, weights=LANGUAGE_ALONE).to_document()
    assert (again["therapist"], again["ruled_out"]) == (None, kept["ruled_out"])
    assert again["ruled_out"] == [{"therapist": "dan", "because": "Is not licensed in NY."}]
    assert moved(kept, again) == []


def test_other_weights_give_another_answer_with_what_moved() -> None:
    kept = made(ANA, BEN)
    assert kept["therapist"] == "ana"
    again = replay(answers=ANSWERS, record=[ANA, BEN], explanation=kept, weights=LANGUAGE_ALONE).to_document()
    assert (again["therapist"], again["weights_version"], again["weights"]["first_language"]) == ("ben", "tried", 1)
    assert moved(kept, again) == [
        MovedInRank(therapist="ben", before=MatchPlace(place=2, score=0.6), after=MatchPlace(place=1, score=1.0)),
        MovedInRank(therapist="ana", before=MatchPlace(place=1, score=0.9), after=MatchPlace(place=2, score=0.0)),
    ]


def test_who_is_no_longer_named_comes_last() -> None:
    crowd = [line(f"t{number}", concerns=["anxiety"], caseload_limit=10, active_clients=number) for number in range(4)]
    kept = made(*crowd, line("zoe", languages=["es"], caseload_limit=10, active_clients=9))
    again = replay(
        answers=ANSWERS,
        record=[*crowd, line("zoe", languages=["es"], caseload_limit=10, active_clients=9)],
        explanation=kept,
        weights=LANGUAGE_ALONE,
    ).to_document()
    changes = moved(kept, again)
    assert (changes[0].therapist, changes[0].before) == ("zoe", None)
    assert (changes[-1].therapist, changes[-1].after) == ("t3", None)


def test_slots_that_were_not_kept_decide_nothing_and_are_told() -> None:
    """With the weights of then Ben and Cat did not share a score, and their slots were not looked for."""
    ben, cat = BEN | {"caseload_limit": 10}, CAT | {"caseload_limit": 10}
    kept = made(ANA, ben, cat)
    assert kept["earliest_slots"] == {}
    again = replay(answers=ANSWERS, record=[ANA, ben, cat], explanation=kept, weights=LANGUAGE_ALONE)
    assert again.therapist == "cat"
    assert again.tie == (
        "Shares the score with ben; chosen for the fewest active clients (their earliest open slots were not kept)."
    )
    # Those that were kept decide as they did.
    kept = made(BEN, CAT)
    again = replay(answers=ANSWERS, record=[BEN, CAT], explanation=kept, weights=LANGUAGE_ALONE)
    assert (again.therapist, again.tie) == ("ben", kept["tie"])


@given(st.lists(st.integers(0, 20), min_size=5, max_size=5).filter(any))
def test_any_weights_rule_out_the_same(parts: list[int]) -> None:
    total = sum(parts)
    hundredths = [100 * part // total for part in parts]
    hundredths[0] += 100 - sum(hundredths)
    names = CURRENT_WEIGHTS.to_document().keys()
    weights = Weights(version=TRIED, **{name: part / 100 for name, part in zip(names, hundredths, strict=True)})
    kept = made(ANA, BEN, CAT, DAN)
    again = replay(answers=ANSWERS, record=[ANA, BEN, CAT, DAN], explanation=kept, weights=weights)
    named = {again.therapist, *(runner.slug for runner in again.runners_up)}
    assert named == {"ana", "ben", "cat"}
    assert [out.therapist for out in again.ruled_out] == ["dan"]


def test_weights_come_back_from_their_document() -> None:
    assert Weights.of_document(CURRENT_WEIGHTS.version, CURRENT_WEIGHTS.to_document()) == CURRENT_WEIGHTS
    with pytest.raises(ValueError, match="together exactly 1"):
        Weights.of_document("x", CURRENT_WEIGHTS.to_document() | {"caseload": 0.2})
