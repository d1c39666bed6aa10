"""The worked tables of the waitlist, compared with the rules."""

from datetime import UTC, datetime, timedelta

from rules.booking.availability import Busy, read_availability
from rules.booking.waitlist import LEAST_TIME_TO_ANSWER, MOST_UNANSWERED, Waiting, next_offer
from rules.enums import AppointmentType, PlaceEnd
from rules.policy import JourneyPolicy
from tests.docs.pages import ROOT, table, words

RULES = (ROOT / "docs/journey.md").read_text()
SECTION = RULES.split("## Waitlist")[1].split("## Money")[0]
MONDAY = datetime(2026, 11, 30, tzinfo=UTC)
DAY = timedelta(days=1)
DAYS = ("Mon", "Tue", "Wed")
SESSION = AppointmentType.SESSION


def instant(cell: str) -> datetime:
    """``Mon 10:30`` of that week."""
    day, clock = cell.split()
    hours, minutes = clock.split(":")
    return MONDAY + DAYS.index(day) * DAY + timedelta(hours=int(hours), minutes=int(minutes))


def session(start: datetime) -> Busy:
    return Busy(type=SESSION, starts_at=start, ends_at=start + timedelta(minutes=50))


def test_who_is_offered_which_time() -> None:
    rows = table(SECTION, "in line", "wishes", "was offered before")
    line = []
    for number, wish, before, elsewhere, _ in rows:
        first, *rest = wish.split(" to ")
        line.append(
            Waiting(
                place_id=number,
                type=SESSION,
                wished_from=MONDAY + DAYS.index(first) * DAY,
                wished_until=MONDAY + (DAYS.index((rest or [first])[0]) + 1) * DAY,
                offered=frozenset() if before == "-" else frozenset({instant(before)}),
                busy=() if elsewhere == "-" else (session(instant(elsewhere)),),
            )
        )
    weekly = [{"weekday": day, "from": "10:00", "to": "11:00", "types": ["session"]} for day in ("mon", "tue")]
    hours = read_availability({"weekly": weekly, "settings": {"session": {"step": 60}}}, time_zone="UTC")
    policy, busy, got = JourneyPolicy(), list[Busy](), dict[str, str]()
    while True:
        offer = next_offer(
            line=[place for place in line if place.place_id not in got],
            availability=hours,
            busy=busy,
            now=MONDAY - 2 * DAY,
            offer_ttl=policy.waitlist_offer_ttl,
        )
        if offer is None:
            break
        got[offer.place_id] = f"{DAYS[offer.starts_at.weekday()]} {offer.starts_at:%H:%M}"
        busy.append(session(offer.starts_at))
    assert [got.get(row[0], "nothing") for row in rows] == [row[4] for row in rows]


def test_why_places_end() -> None:
    assert {words(row[0])[0] for row in table(SECTION, "the place ends because")} == set(PlaceEnd)


def test_the_numbers_of_the_rules() -> None:
    told = " ".join(SECTION.split())
    assert MOST_UNANSWERED == 3
    assert "After three offers without an answer the place ends" in told
    assert f"one that begins within {LEAST_TIME_TO_ANSWER // timedelta(minutes=1)} minutes" in told
    assert JourneyPolicy().waitlist_offer_ttl == timedelta(hours=2)
    assert "with a hold of two hours" in told
