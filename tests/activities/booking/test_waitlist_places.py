"""Places on a waitlist: wishes that change or end, the archive, another therapist, and who is refused."""

from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import text

from activities.types.archive import ArchiveOrder, UnarchiveOrder
from activities.types.booking import LineLook
from activities.types.clients import MatchOrder
from models.tables.booking.occupied_time import OccupiedTime
from models.writes.booking.holds import put_hold
from rules.enums import OfferEnd, PlaceEnd
from rules.refusals import Problem
from tests.activities.booking.waiting import DAY, HOUR, MINUTE, SESSION, SITE, TUESDAY, Line
from tests.activities.practice import DESK, MONDAY, POLICY, Practice


@pytest.fixture
async def line(practice: Practice) -> Line:
    line = Line(practice)
    await line.opens("ana")
    return line


# ---------------------------------------------------------------- wishes that change or end


async def test_a_changed_wish_keeps_the_place_and_lets_go_of_what_is_outside_of_it(line: Line) -> None:
    anna, _ = await line.waiters("Anna", "Berta", last=1)
    await line.look()
    place = await line.joins(anna, last=3)
    await line.look()
    assert await line.offers() == [("Anna", MONDAY, None), ("Berta", TUESDAY, None)], "it is within the new wish too"
    assert await line.joins(anna, first=2, last=3) == place
    assert await line.held() == [TUESDAY]
    await line.look()
    assert await line.offers() == [
        ("Anna", MONDAY, OfferEnd.WITHDRAWN),
        ("Berta", TUESDAY, None),
        ("Anna", MONDAY + 2 * DAY, None),
    ]
    [row] = await line.seen(anna)
    assert row.position == 1


async def test_an_offer_outside_of_changed_hours_is_withdrawn_and_does_not_count(line: Line) -> None:
    anna, berta = await line.waiters("Anna", "Berta", last=6)
    await line.look()
    await line.opens("ana", begins="12:00", until="13:00")
    look = await line.look()
    later = 2 * HOUR
    assert await line.offers() == [
        ("Anna", MONDAY, OfferEnd.WITHDRAWN),
        ("Anna", MONDAY + later, None),
        ("Berta", TUESDAY, OfferEnd.WITHDRAWN),
        ("Berta", TUESDAY + later, None),
    ]
    assert [offer.client_id for offer in look.offers] == [anna, berta]
    assert await line.held() == [MONDAY + later, TUESDAY + later]
    assert (await line.practice.facts(anna)).count("offer_withdrawn") == 1


async def test_a_wish_ends_with_its_time(line: Line) -> None:
    anna, _ = await line.waiters("Anna", "Berta")
    await line.practice.booked(await line.person("Emma"), MONDAY)
    look = await line.look()
    assert look.look_at == line.practice.clock.instant + DAY
    line.practice.clock.instant = look.line[0].wished_until - HOUR
    look = await line.look()
    assert (len(look.line), look.look_at) == (2, look.line[0].wished_until)
    line.passes(HOUR)
    look = await line.look()
    assert (look.line, look.look_at) == ((), None)
    assert await line.ends() == [PlaceEnd.OVER, PlaceEnd.OVER]
    assert (await line.practice.facts(anna))[-1] == "waitlist_left"


async def test_a_hold_of_somebody_who_is_choosing_is_waited_for(line: Line) -> None:
    async with line.practice.sessions() as session:
        now = line.practice.clock.instant
        held = await put_hold(
            session, hold_id=uuid4(), slug="ana", type=SESSION, starts_at=MONDAY, by=SITE, now=now,
            hold_ttl=POLICY.hold_ttl,
        )  # fmt: skip
        assert isinstance(held, OccupiedTime)
        await session.commit()
    await line.waiters("Anna")
    look = await line.look()
    assert (look.offers, look.look_at) == ((), held.expires_at)
    line.passes(POLICY.hold_ttl)
    await line.look()
    assert await line.offers() == [("Anna", MONDAY, None)]


async def test_a_line_that_nobody_has_is_over(line: Line) -> None:
    assert await line.look() == LineLook(line=())
    assert await line.steps.look_at_line("nobody", POLICY) == LineLook(line=())


# ---------------------------------------------------------------- the archive, another therapist


def archiving(client: str) -> ArchiveOrder:
    return ArchiveOrder(client_id=client, request_id=str(uuid4()), by="care_team:desk")


async def test_an_archive_releases_a_place_and_the_client_side_does_not_see_it(line: Line) -> None:
    anna, berta = await line.waiters("Anna", "Berta")
    await line.look()
    order = archiving(anna)
    for _ in range(2):
        assert (await line.practice.archive.archive_client(order, POLICY)).lines == ("ana",)
    assert await line.ends() == [PlaceEnd.ARCHIVED, None]
    await line.look()
    assert await line.offers() == [("Anna", MONDAY, OfferEnd.WITHDRAWN), ("Berta", MONDAY, None)]
    assert await line.seen(anna, by=DESK) == []
    [seen] = await line.seen(anna)
    assert (seen.place.type, seen.offer, seen.position) == (SESSION, None, 1)
    assert [row.position for row in await line.seen(berta)] == [1]

    # As for anybody else: it ends with its time, and with a change of therapist.
    line.practice.clock.instant = seen.place.wished_until
    assert await line.seen(anna) == []
    line.practice.clock.instant = seen.place.wished_until - HOUR
    await line.practice.therapist("ben")
    change = MatchOrder(request_id=str(uuid4()), client_id=anna, by=DESK, therapist="ben", reason="evenings")
    assert (await line.practice.matching.match_by_hand(change)).refusal is None
    assert await line.seen(anna) == []


async def test_whoever_joins_again_while_archived_has_the_place_they_always_saw(line: Line) -> None:
    anna, _ = await line.waiters("Anna", "Berta", last=1)
    [before] = await line.seen(anna)
    await line.practice.archive.archive_client(archiving(anna), POLICY)
    await line.joins(anna, last=2)
    [row] = await line.seen(anna)
    assert (row.place.id, row.place.joined_at, row.position) == (before.place.id, before.place.joined_at, 1)
    look = await line.look()
    assert [(offer.client_id == anna, offer.asked_for) for offer in look.offers] == [(True, True), (False, False)]
    facts = await line.practice.facts(anna)
    assert facts.count("waitlist_joined") == facts.count("waitlist_wish_changed") == 1


async def test_whoever_leaves_while_archived_has_left(line: Line) -> None:
    [anna] = await line.waiters("Anna")
    await line.practice.archive.archive_client(archiving(anna), POLICY)
    [row] = await line.seen(anna)
    assert (await line.leaves(anna, row.place.id)).changed is True
    assert (await line.seen(anna), await line.ends()) == ([], [PlaceEnd.LEFT])
    assert (await line.leaves(anna, row.place.id)).changed is False
    assert (await line.practice.facts(anna)).count("waitlist_left") == 2


async def test_of_two_archives_only_the_last_ones_place_is_seen(line: Line) -> None:
    anna = await line.person("Anna")
    for day in range(2):
        await line.joins(anna, last=day)
        line.passes(MINUTE)
        await line.practice.archive.archive_client(archiving(anna), POLICY)
        assert [row.place.wished_until for row in await line.seen(anna)] == [line.wish(anna, last=day).wished_until]
        if day == 0:
            back = UnarchiveOrder(client_id=anna, request_id=str(uuid4()), by="care_team:desk")
            again = await line.practice.archive.unarchive_client(back)
            assert again.lines == ("ana",), "the place is taken up again, as it was seen all the while"
            assert [row.place.ended_at for row in await line.seen(anna)] == [None]
    assert await line.ends() == [PlaceEnd.ARCHIVED]


async def test_another_therapist_ends_a_place_and_all_whose_time_is_freed_are_told(line: Line) -> None:
    """Asked again, because the answer was lost, the same lines are named."""
    practice = line.practice
    await practice.therapist("ben")
    await practice.therapist("cem")
    anna = await line.person("Anna")
    [_] = await practice.booked(anna, TUESDAY)
    to_ben = MatchOrder(request_id=str(uuid4()), client_id=anna, by=DESK, therapist="ben", reason="evenings")
    assert (await practice.matching.match_by_hand(to_ben)).lines == ()
    await line.waiters("Berta", last=1)
    dora = await line.person("Dora", therapist="ben")
    assert (await line.steps.join_waitlist(line.wish(dora, therapist="ben"))).refusal is None
    assert (await line.steps.join_waitlist(line.wish(anna, therapist="ben"))).refusal is None
    to_cem = replace(to_ben, request_id=str(uuid4()), therapist="cem", cancel_appointments=True)
    for _ in range(2):
        matched = await practice.matching.match_by_hand(to_cem)
        assert matched.lines == ("ana", "ben"), "time is free with Ana, and a place has ended with Ben"
        line.passes(MINUTE)
    assert sorted(end for end in await line.ends() if end) == [PlaceEnd.REMATCHED]


# ---------------------------------------------------------------- who is refused


async def test_what_is_refused_changes_nothing(line: Line) -> None:
    await line.practice.therapist("ben")
    anna = await line.person("Anna")
    nameless = await line.practice.client(name="Nobody")
    async with line.practice.sessions() as session:
        connection = await session.connection()
        await connection.execute(text("UPDATE client SET first_name = NULL WHERE id = :id"), {"id": nameless})
        await session.commit()
    before = await line.rows()
    now = line.practice.clock.instant
    wishes = {
        Problem.VALIDATION_FAILED: [
            line.wish(anna, therapist="nobody"),
            line.wish(anna, therapist="ben"),
            line.wish(anna, wished_from=MONDAY, wished_until=MONDAY),
            line.wish(anna, wished_from=now - DAY, wished_until=now),
        ],
        Problem.CLIENT_DETAILS_REQUIRED: [line.wish(nameless)],
    }
    for name, orders in wishes.items():
        for order in orders:
            done = await line.steps.join_waitlist(order)
            assert done.refusal is not None, order
            assert done.refusal.name is name
            assert done.lines == ()
    elsewhere = await line.leaves(anna, uuid4())
    assert elsewhere.refusal is not None
    assert elsewhere.refusal.name is Problem.NOT_FOUND
    assert await line.rows() == before


async def test_nobody_leaves_for_another(line: Line) -> None:
    await line.waiters("Anna")
    [place] = await line.places()
    berta = await line.person("Berta")
    done = await line.leaves(berta, place.id)
    assert done.refusal is not None
    assert await line.ends() == [None]
