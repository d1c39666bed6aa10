"""Time in stages, told from facts alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

from rules.clients.stages import Happened, Stay, in_stages, stays_of
from rules.enums import Stage
from rules.timeline import FactKind

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def told(day: float, kind: FactKind, client: str = "sara", **data: Any) -> Happened:
    return Happened(client_id=client, at=START + day * DAY, kind=kind.value, data=data)


def booked(day: float, id: str, type: str = "session", client: str = "sara") -> Happened:
    return told(day, FactKind.BOOKED, client, type=type, appointments=[{"id": id, "starts_at": "", "ends_at": ""}])


STORY = [
    told(0, FactKind.JOURNEY_STARTED),
    told(1, FactKind.MATCHED),
    booked(3, "intro", "intro_call"),
    told(3, FactKind.FORMS_REQUESTED, forms=["informed_consent", "billing_info"]),
    told(4, FactKind.ACCOUNT_ACTIVATED),
    told(5, FactKind.FORM_COMPLETED, form="billing_info"),
    told(6, FactKind.FORM_COMPLETED, form="informed_consent"),
    told(7, FactKind.OUTCOME_RECORDED, appointment_id="intro", outcome="occurred"),
    booked(9, "first"),
    told(12, FactKind.OUTCOME_RECORDED, appointment_id="first", outcome="occurred"),
    told(20, FactKind.ARCHIVED, appointments=[]),
    told(30, FactKind.UNARCHIVED),
]


def named(stays: list[Stay]) -> list[tuple[str, float, float | None]]:
    return [
        (stay.stage.value, (stay.since - START) / DAY, (stay.until - START) / DAY if stay.until else None)
        for stay in stays
    ]


def test_a_story_passes_through_its_stages() -> None:
    assert named(stays_of(STORY)) == [
        ("matching", 0, 1),
        ("first_booking", 1, 3),
        ("activation", 3, 4),
        ("intake", 4, 6),
        ("intro_call", 6, 7),
        ("scheduling", 7, 9),
        ("in_care", 9, 20),
        ("archived", 20, 30),
        ("in_care", 30, None),
    ]


def test_what_is_cancelled_or_corrected_leads_back() -> None:
    story = [
        *STORY[:8],
        booked(9, "first"),
        told(10, FactKind.APPOINTMENT_CANCELLED, appointment_id="first"),
        booked(11, "second"),
        told(12, FactKind.OUTCOME_RECORDED, appointment_id="second", outcome="occurred"),
        told(13, FactKind.OUTCOME_CORRECTED, appointment_id="second", outcome="no_show"),
    ]
    assert named(stays_of(story))[5:] == [
        ("scheduling", 7, 9),
        ("in_care", 9, 10),
        ("scheduling", 10, 11),
        ("in_care", 11, 13),
        ("scheduling", 13, None),
    ]


def test_who_is_let_go_or_joined_is_in_no_stage() -> None:
    gone = [told(0, FactKind.JOURNEY_STARTED), told(7, FactKind.JOURNEY_CLOSED)]
    assert named(stays_of(gone)) == [("matching", 0, 7)]
    joined = [
        told(0, FactKind.JOURNEY_STARTED),
        told(1, FactKind.MATCHED),
        told(2, FactKind.JOURNEY_STARTED, "double"),
        told(2, FactKind.MATCHED, "double"),
        booked(3, "first", client="double"),
        told(4, FactKind.JOINED_INTO, "double", into="sara"),
        told(4, FactKind.RECORD_JOINED, **{"from": "double"}),
    ]
    assert named(stays_of(joined)) == [
        ("matching", 0, 1),
        ("first_booking", 1, 4),
        ("activation", 4, None),
        ("matching", 2, 2),
        ("first_booking", 2, 3),
        ("activation", 3, 4),
    ]


def test_a_stretch_counts_who_came_who_left_and_who_is_there() -> None:
    stays = stays_of(sorted([*STORY, told(8, FactKind.JOURNEY_STARTED, "tom")], key=lambda fact: fact.at))
    found = {one.stage: one for one in in_stages(stays, first=START + 2 * DAY, end=START + 10 * DAY)}
    first = found[Stage.FIRST_BOOKING]
    assert (first.entered, first.left, first.at_end, first.median) == (0, 1, 0, 2 * DAY)
    assert (found[Stage.MATCHING].entered, found[Stage.MATCHING].at_end, found[Stage.MATCHING].median) == (1, 1, None)
    assert (found[Stage.IN_CARE].entered, found[Stage.IN_CARE].left, found[Stage.IN_CARE].at_end) == (1, 0, 1)
    assert Stage.ARCHIVED not in found
