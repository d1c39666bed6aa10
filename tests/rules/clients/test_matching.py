"""Who fits best: the musts, the factors with worked scores, ties, and the record that replays a match."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.booking.availability import WEEKDAYS, WeeklyWindow
from rules.clients.answers import Answers, PreferredTime
from rules.clients.candidates import Candidate, candidates_of
from rules.clients.matching import MatchResult, match
from rules.clients.weights import CURRENT_WEIGHTS, Weights
from rules.enums import AppointmentType

ANSWERS = Answers(
    state="CA",
    modality="individual",
    concerns=("anxiety", "grief", "trauma"),
    languages=("Spanish", "English"),
    insurance="Aetna",
    preferred_times=(
        PreferredTime(weekday="tue", part="evening"),
        PreferredTime(weekday="wed", part="morning"),
    ),
)
TUESDAYS = WeeklyWindow(weekday="tue", start=9 * 60, end=18 * 60, types=frozenset(AppointmentType))
ANA = Candidate(
    slug="ana",
    name="Ana Silva",
    accepting_clients=True,
    licensed_in=frozenset({"CA", "NY"}),
    concerns=frozenset({"anxiety", "grief", "couples"}),
    languages=frozenset({"english"}),
    modalities=frozenset({"individual"}),
    gender="female",
    insurances=frozenset({"aetna"}),
    caseload_limit=20,
    active_clients=15,
    weekly=(TUESDAYS,),
)
FREE_AT = datetime(2026, 12, 1, 9, tzinfo=UTC)


def ask(
    *candidates: Candidate,
    answers: Answers = ANSWERS,
    weights: Weights = CURRENT_WEIGHTS,
    slots: Mapping[str, datetime | None] | None = None,
) -> MatchResult:
    """Slots are looked up by slug: asking about a therapist who is not in them is an error."""
    return match(answers=answers, candidates=candidates, weights=weights, earliest_slot=(slots or {}).__getitem__)


class TestMusts:
    @pytest.mark.parametrize(
        ("change", "because"),
        [
            ({"accepting_clients": False}, "Is not accepting clients."),
            ({"licensed_in": frozenset({"NY"})}, "Is not licensed in CA."),
            ({"modalities": frozenset({"couples"})}, "Does not offer the modality individual."),
            ({"languages": frozenset({"french"})}, "Does not speak a shared language (Spanish, English)."),
            ({"languages": frozenset()}, "Does not speak a shared language (Spanish, English)."),
            ({"active_clients": 20}, "Is at the caseload limit of 20."),
            ({"active_clients": 21}, "Is at the caseload limit of 20."),
            ({"caseload_limit": 0, "active_clients": 0}, "Is at the caseload limit of 0."),
        ],
    )
    def test_a_failed_must_rules_out_and_is_named(self, change: dict[str, object], because: str) -> None:
        answer = ask(replace(ANA, **change))  # type: ignore[arg-type]
        assert answer.therapist is None
        assert answer.score is None
        assert [(out.therapist, out.because) for out in answer.ruled_out] == [("ana", because)]

    def test_gender_is_a_must_only_where_given(self) -> None:
        men = replace(ANSWERS, therapist_gender="male")
        assert ask(ANA).therapist == "ana"
        assert ask(ANA, answers=men).ruled_out[0].because == "Is not of the therapist gender asked for (male)."
        assert ask(replace(ANA, gender=" Male"), answers=men).therapist == "ana"
        assert ask(replace(ANA, gender=None), answers=men).therapist is None

    def test_every_failed_must_is_told(self) -> None:
        answer = ask(replace(ANA, accepting_clients=False, licensed_in=frozenset()))
        assert answer.ruled_out[0].because == "Is not accepting clients. Is not licensed in CA."

    def test_one_place_left_is_enough_and_no_limit_is_no_limit(self) -> None:
        assert ask(replace(ANA, active_clients=19)).therapist == "ana"
        assert ask(replace(ANA, caseload_limit=None, active_clients=900)).therapist == "ana"

    def test_names_compare_without_case_and_outer_spaces(self) -> None:
        answers = replace(ANSWERS, state=" ca ", modality="Individual", languages=("ENGLISH ",))
        assert ask(ANA, answers=answers).therapist == "ana"

    def test_nobody_at_all(self) -> None:
        assert ask() == MatchResult(therapist=None, score=None)


class TestFactors:
    def test_the_worked_example(self) -> None:
        """2/3 x 0.40 + 1/2 x 0.25 + 1 x 0.15 + 0 x 0.10 + 1/4 x 0.10."""
        answer = ask(ANA)
        assert [(f.factor, f.weight, f.score, f.because) for f in answer.factors] == [
            ("concerns", 0.40, 0.6667, "Covers 2 of 3 concerns: anxiety, grief; not trauma."),
            ("preferred_times", 0.25, 0.5, "Works at 1 of 2 preferred times: tue evening; not wed morning."),
            ("insurance", 0.15, 1.0, "Accepts Aetna."),
            ("first_language", 0.10, 0.0, "Does not speak Spanish, the first language named."),
            ("caseload", 0.10, 0.25, "Has 5 of 20 places free."),
        ]
        assert answer.score == 0.5667

    def test_nothing_asked_scores_one(self) -> None:
        answer = ask(replace(ANA, caseload_limit=None), answers=Answers(state="CA", modality="individual"))
        assert answer.score == 1.0
        assert [factor.score for factor in answer.factors] == [1.0] * 5

    def test_repetitions_and_blanks_count_once(self) -> None:
        answers = replace(ANSWERS, concerns=("grief", " GRIEF", "", "trauma"), insurance=" ")
        answer = ask(ANA, answers=answers)
        assert answer.factors[0].because == "Covers 1 of 2 concerns: grief; not trauma."
        assert answer.factors[2].because == "No insurance was named."

    @pytest.mark.parametrize(
        ("start", "end", "part", "score"),
        [
            (6 * 60, 7 * 60, "morning", 1.0),
            (5 * 60, 6 * 60, "morning", 0.0),
            (12 * 60, 13 * 60, "morning", 0.0),
            (11 * 60 + 59, 13 * 60, "morning", 1.0),
            (12 * 60, 13 * 60, "afternoon", 1.0),
            (17 * 60, 18 * 60, "afternoon", 0.0),
            (17 * 60, 18 * 60, "evening", 1.0),
            (22 * 60, 24 * 60, "evening", 0.0),
            (21 * 60, 20 * 60, "evening", 0.0),  # ends before it begins
        ],
    )
    def test_parts_of_a_day(self, start: int, end: int, part: str, score: float) -> None:
        window = replace(TUESDAYS, start=start, end=end)
        times = (PreferredTime(weekday="tue", part=part),)
        answer = ask(replace(ANA, weekly=(window,)), answers=replace(ANSWERS, preferred_times=times))
        assert answer.factors[1].score == score
        other_day = (PreferredTime(weekday="thu", part=part),)
        answer = ask(replace(ANA, weekly=(window,)), answers=replace(ANSWERS, preferred_times=other_day))
        assert answer.factors[1].score == 0.0

    def test_a_time_that_is_none_is_refused(self) -> None:
        with pytest.raises(ValueError, match="mon night"):
            PreferredTime(weekday="mon", part="night")

    def test_weights_are_shares_of_one(self) -> None:
        with pytest.raises(ValueError, match="together exactly 1"):
            Weights(version="x", concerns=0.5)
        with pytest.raises(ValueError, match="none below zero"):
            Weights(version="x", concerns=0.75, caseload=-0.25)

    def test_other_weights_give_another_answer_and_their_version(self) -> None:
        speaks = replace(ANA, slug="bo", languages=frozenset({"spanish"}), concerns=frozenset())
        assert ask(ANA, speaks).therapist == "ana"
        language_first = Weights(version="2027-1", concerns=0.10, first_language=0.40)
        answer = ask(ANA, speaks, weights=language_first)
        assert (answer.therapist, answer.weights.version) == ("bo", "2027-1")


class TestOrder:
    def test_three_runners_up_by_score(self) -> None:
        crowd = [replace(ANA, slug=f"t{n}", active_clients=n) for n in range(6)]
        answer = ask(*crowd)
        assert answer.therapist == "t0"
        assert [ranked.slug for ranked in answer.runners_up] == ["t1", "t2", "t3"]
        assert answer.runners_up[0].factors[4].because == "Has 19 of 20 places free."
        assert answer.tie is None

    def test_ties_go_to_the_earliest_slot_then_fewest_clients_then_slug(self) -> None:
        later = FREE_AT + timedelta(minutes=15)
        no_limit = replace(ANA, caseload_limit=None)  # so that active clients do not change the score
        two = [replace(no_limit, slug="bo", active_clients=1), replace(no_limit, slug="cy", active_clients=9)]
        by_slot = ask(*two, slots={"bo": later, "cy": FREE_AT})
        assert (by_slot.therapist, by_slot.tie) == (
            "cy",
            "Shares the score with bo; chosen for the earliest open slot.",
        )
        assert ask(*two, slots={"bo": later, "cy": None}).therapist == "bo"
        by_clients = ask(*reversed(two), slots={"bo": None, "cy": None})
        assert by_clients.therapist == "bo"
        assert by_clients.tie == "Shares the score with cy; chosen for the fewest active clients."
        same = [replace(c, active_clients=4) for c in two]
        by_slug = ask(*reversed(same), slots={"bo": FREE_AT, "cy": FREE_AT})
        assert (by_slug.therapist, by_slug.runners_up[0].slug) == ("bo", "cy")
        assert by_slug.tie == "Shares the score with cy; chosen for the first slug in the alphabet."

    def test_slots_are_looked_up_only_where_they_decide(self) -> None:
        best = [replace(ANA, slug=f"a{n}", active_clients=n) for n in range(4)]
        tied_last = [replace(ANA, slug=f"z{n}", active_clients=19) for n in range(3)]
        assert ask(*best, *tied_last).therapist == "a0"  # any look-up would fail
        answer = ask(*best[:3], *tied_last, slots={"z0": None, "z1": FREE_AT, "z2": None})
        assert [ranked.slug for ranked in answer.runners_up] == ["a1", "a2", "z1"]

    def test_scores_are_compared_exactly(self) -> None:
        """Both come to exactly 0.8; summed as binary floats, the first would be ahead by a hair."""
        answers = Answers(
            state="CA",
            modality="individual",
            concerns=("a", "b", "c", "d"),
            languages=("x", "english"),
            insurance="aetna",
        )
        covers = replace(ANA, slug="covers", concerns=frozenset({"a", "b", "c"}), caseload_limit=None)
        speaks = replace(covers, slug="speaks", concerns=frozenset({"c", "d"}), languages=frozenset({"x"}))
        answer = ask(covers, speaks, answers=answers, slots={"covers": None, "speaks": FREE_AT})
        assert answer.therapist == "speaks"
        assert answer.runners_up[0].score == answer.score == 0.8


def test_the_document_has_everything_and_is_json() -> None:
    tied = [replace(ANA, slug="bo"), replace(ANA, slug="cy")]
    gone = replace(ANA, slug="di", accepting_clients=False)
    answer = ask(*tied, gone, slots={"bo": FREE_AT, "cy": None})
    document = json.loads(json.dumps(answer.to_document()))
    assert (document["therapist"], document["score"], document["weights_version"]) == ("bo", 0.5667, "2026-1")
    assert document["factors"][2] == {
        "factor": "insurance",
        "weight": 0.15,
        "score": 1.0,
        "because": "Accepts Aetna.",
    }
    assert [set(ranked) for ranked in document["runners_up"]] == [{"therapist", "name", "score", "factors"}]
    assert document["runners_up"][0]["therapist"] == "cy"
    assert document["ruled_out"] == [{"therapist": "di", "because": "Is not accepting clients."}]
    assert document["earliest_slots"] == {"bo": "2026-12-01T09:00:00+00:00", "cy": None}


def test_a_record_may_hold_its_lists_as_text() -> None:
    lists = {
        "licensed_in": ["CA", "NY"],
        "concerns": ["anxiety", "grief", "couples"],
        "languages": ["english"],
        "modalities": ["individual"],
        "insurances": ["aetna"],
        "weekly": [["tue", 540, 1080, ["session", "intro_call"]]],
    }
    rest = {
        "slug": "ana",
        "name": "Ana Silva",
        "accepting_clients": True,
        "gender": "female",
        "intro_calls": "optional",
        "caseload_limit": 20,
        "active_clients": 15,
    }
    texts = {name: json.dumps(listed) for name, listed in lists.items()}
    assert candidates_of([{**rest, **lists}, {**rest, **texts}]) == [ANA, ANA]


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_match_replays_from_its_record_whatever_the_order(chance: Random) -> None:
    crowd = [
        replace(
            ANA,
            slug=f"t{n}",
            active_clients=chance.choice([0, 5, 20]),
            caseload_limit=chance.choice([None, 20]),
            languages=frozenset(chance.sample(["spanish", "english", "french"], 2)),
            weekly=tuple(replace(TUESDAYS, weekday=day) for day in chance.sample(WEEKDAYS, 2)),
        )
        for n in range(12)
    ]
    slots = {c.slug: chance.choice([None, FREE_AT, FREE_AT + timedelta(days=1)]) for c in crowd}
    first = ask(*crowd, slots=slots)
    chance.shuffle(crowd)
    assert ask(*crowd, slots=first.earliest_slots) == first
    ranked = [first.score, *(r.score for r in first.runners_up)]
    assert ranked == sorted(ranked, key=lambda score: -(score or 0))
    assert len(first.runners_up) == min(3, len(crowd) - len(first.ruled_out) - 1)
