"""Places on a waitlist: wishes that change or end, the archive, another therapist, and who is refused."""

from dataclasses import replace
from uuid import uuid4

from sqlalchemy import text
from sqlmodel import col, select

from activities.types.archive import ArchiveOrder, UnarchiveOrder
from activities.types.booking import LineLook
from activities.types.clients import MatchOrder
from models.tables.booking.occupied_time import OccupiedTime
from models.tables.mail.outbox import OutboxItem
from models.writes.booking.holds import put_hold
from rules.accounts.budgets import CountedFor
from rules.enums import OfferEnd, PlaceEnd
from rules.mail.kinds import Mail
from rules.refusals import Problem
from tests.care.practice import DESK, MONDAY, POLICY
from tests.care.waitlist import DAY, HOUR, MINUTE, SESSION, SITE, TUESDAY, Waitlist

# ---------------------------------------------------------------- wishes that change or end


async def test_a_changed_wish_keeps_the_place_and_lets_go_of_what_is_outside_of_it(waitlist: Waitlist) -> None:
    anna, _ = await waitlist.waiters("Anna", "Berta", last=1)
    await waitlist.look()
    place = await waitlist.joins(anna, last=3)
    await waitlist.look()
    assert await waitlist.offers() == [("Anna", MONDAY, None), ("Berta", TUESDAY, None)], (
        "it is within the new wish too"
    )
    assert await waitlist.joins(anna, first=2, last=3) == place
    assert await waitlist.held() == [TUESDAY]
    await waitlist.look()
    assert await waitlist.offers() == [
        ("Anna", MONDAY, OfferEnd.WITHDRAWN),
        ("Berta", TUESDAY, None),
        ("Anna", MONDAY + 2 * DAY, None),
    ]
    [row] = await waitlist.seen(anna)
    assert row.position == 1


async def test_an_offer_outside_of_changed_hours_is_withdrawn_and_does_not_count(waitlist: Waitlist) -> None:
    anna, berta = await waitlist.waiters("Anna", "Berta", last=6)
    await waitlist.look()
    await waitlist.opens("ana", begins="12:00", until="13:00")
    look = await waitlist.look()
    later = 2 * HOUR
    assert await waitlist.offers() == [
        ("Anna", MONDAY, OfferEnd.WITHDRAWN),
        ("Anna", MONDAY + later, None),
        ("Berta", TUESDAY, OfferEnd.WITHDRAWN),
        ("Berta", TUESDAY + later, None),
    ]
    assert [offer.client_id for offer in look.offers] == [anna, berta]
    assert await waitlist.held() == [MONDAY + later, TUESDAY + later]
    assert (await waitlist.practice.facts(anna)).count("offer_withdrawn") == 1


async def test_a_wish_ends_with_its_time(waitlist: Waitlist) -> None:
    anna, _ = await waitlist.waiters("Anna", "Berta")
    await waitlist.practice.booked(await waitlist.person("Emma"), MONDAY)
    look = await waitlist.look()
    assert look.look_at == waitlist.practice.clock.instant + DAY
    waitlist.practice.clock.instant = look.line[0].wished_until - HOUR
    look = await waitlist.look()
    assert (len(look.line), look.look_at) == (2, look.line[0].wished_until)
    waitlist.passes(HOUR)
    look = await waitlist.look()
    assert (look.line, look.look_at) == ((), None)
    assert await waitlist.ends() == [PlaceEnd.OVER, PlaceEnd.OVER]
    assert (await waitlist.practice.facts(anna))[-1] == "waitlist_left"


async def test_a_hold_of_somebody_who_is_choosing_is_waited_for(waitlist: Waitlist) -> None:
    async with waitlist.practice.sessions() as session:
        now = waitlist.practice.clock.instant
        held = await put_hold(
            session, hold_id=uuid4(), slug="ana", type=SESSION, starts_at=MONDAY, by=SITE, now=now,
            whom=CountedFor(),
            policy=POLICY,
        )  # fmt: skip
        assert isinstance(held, OccupiedTime)
        await session.commit()
    await waitlist.waiters("Anna")
    look = await waitlist.look()
    assert (look.offers, look.look_at) == ((), held.expires_at)
    waitlist.passes(POLICY.hold_ttl)
    await waitlist.look()
    assert await waitlist.offers() == [("Anna", MONDAY, None)]


async def test_a_line_that_nobody_has_is_over(waitlist: Waitlist) -> None:
    assert await waitlist.look() == LineLook(line=())
    assert await waitlist.steps.look_at_line("nobody") == LineLook(line=())


# ---------------------------------------------------------------- the archive, another therapist


def archiving(client: str) -> ArchiveOrder:
    return ArchiveOrder(client_id=client, request_id=str(uuid4()), by="care_team:desk")


async def test_an_archive_releases_a_place_and_the_client_side_does_not_see_it(waitlist: Waitlist) -> None:
    anna, berta = await waitlist.waiters("Anna", "Berta")
    await waitlist.look()
    order = archiving(anna)
    for _ in range(2):
        assert (await waitlist.practice.archive.archive_client(order)).lines == ("ana",)
    assert await waitlist.ends() == [PlaceEnd.ARCHIVED, None]
    await waitlist.look()
    assert await waitlist.offers() == [("Anna", MONDAY, OfferEnd.WITHDRAWN), ("Berta", MONDAY, None)]
    assert await waitlist.seen(anna, by=DESK) == []
    [seen] = await waitlist.seen(anna)
    assert (seen.place.type, seen.offer, seen.position) == (SESSION, None, 1)
    assert [row.position for row in await waitlist.seen(berta)] == [1]

    # As for anybody else: it ends with its time, and with a change of therapist.
    waitlist.practice.clock.instant = seen.place.wished_until
    assert await waitlist.seen(anna) == []
    waitlist.practice.clock.instant = seen.place.wished_until - HOUR
    await waitlist.practice.therapist("ben")
    change = MatchOrder(request_id=str(uuid4()), client_id=anna, by=DESK, therapist="ben", reason="evenings")
    assert (await waitlist.practice.matching.match_by_hand(change)).refusal is None
    assert await waitlist.seen(anna) == []


async def test_whoever_joins_again_while_archived_has_the_place_they_always_saw(waitlist: Waitlist) -> None:
    anna, _ = await waitlist.waiters("Anna", "Berta", last=1)
    [before] = await waitlist.seen(anna)
    await waitlist.practice.archive.archive_client(archiving(anna))
    await waitlist.joins(anna, last=2)
    [row] = await waitlist.seen(anna)
    assert (row.place.id, row.place.joined_at, row.position) == (before.place.id, before.place.joined_at, 1)
    look = await waitlist.look()
    assert [offer.client_id == anna for offer in look.offers] == [True, False]
    async with waitlist.practice.sessions() as session:
        told = (await session.exec(select(OutboxItem).where(col(OutboxItem.template) == Mail.SLOT_OFFERED))).all()
    # Whoever joined while archived asked for it, and is told even so.
    assert {str(mail.client_id): mail.order["asked_for"] for mail in told} == {
        offer.client_id: offer.client_id == anna for offer in look.offers
    }
    facts = await waitlist.practice.facts(anna)
    assert facts.count("waitlist_joined") == facts.count("waitlist_wish_changed") == 1


async def test_whoever_leaves_while_archived_has_left(waitlist: Waitlist) -> None:
    [anna] = await waitlist.waiters("Anna")
    await waitlist.practice.archive.archive_client(archiving(anna))
    [row] = await waitlist.seen(anna)
    assert (await waitlist.leaves(anna, row.place.id)).changed is True
    assert (await waitlist.seen(anna), await waitlist.ends()) == ([], [PlaceEnd.LEFT])
    assert (await waitlist.leaves(anna, row.place.id)).changed is False
    assert (await waitlist.practice.facts(anna)).count("waitlist_left") == 2


async def test_of_two_archives_only_the_last_ones_place_is_seen(waitlist: Waitlist) -> None:
    anna = await waitlist.person("Anna")
    for day in range(2):
        await waitlist.joins(anna, last=day)
        waitlist.passes(MINUTE)
        await waitlist.practice.archive.archive_client(archiving(anna))
        assert [row.place.wished_until for row in await waitlist.seen(anna)] == [
            waitlist.wish(anna, last=day).wished_until
        ]
        if day == 0:
            back = UnarchiveOrder(client_id=anna, request_id=str(uuid4()), by="care_team:desk")
            again = await waitlist.practice.archive.unarchive_client(back)
            assert again.lines == ("ana",), "the place is taken up again, as it was seen all the while"
            assert [row.place.ended_at for row in await waitlist.seen(anna)] == [None]
    assert await waitlist.ends() == [PlaceEnd.ARCHIVED]


async def test_another_therapist_ends_a_place_and_all_whose_time_is_freed_are_told(waitlist: Waitlist) -> None:
    """Asked again, because the answer was lost, the same lines are named."""
    practice = waitlist.practice
    await practice.therapist("ben")
    await practice.therapist("cem")
    anna = await waitlist.person("Anna")
    [_] = await practice.booked(anna, TUESDAY)
    to_ben = MatchOrder(request_id=str(uuid4()), client_id=anna, by=DESK, therapist="ben", reason="evenings")
    assert (await practice.matching.match_by_hand(to_ben)).lines == ()
    await waitlist.waiters("Berta", last=1)
    dora = await waitlist.person("Dora", therapist="ben")
    assert (await waitlist.steps.join_waitlist(waitlist.wish(dora, therapist="ben"))).refusal is None
    assert (await waitlist.steps.join_waitlist(waitlist.wish(anna, therapist="ben"))).refusal is None
    to_cem = replace(to_ben, request_id=str(uuid4()), therapist="cem", cancel_appointments=True)
    for _ in range(2):
        matched = await practice.matching.match_by_hand(to_cem)
        assert matched.lines == ("ana", "ben"), "time is free with Ana, and a place has ended with Ben"
        waitlist.passes(MINUTE)
    assert sorted(end for end in await waitlist.ends() if end) == [PlaceEnd.REMATCHED]


# ---------------------------------------------------------------- who is refused


async def test_what_is_refused_changes_nothing(waitlist: Waitlist) -> None:
    await waitlist.practice.therapist("ben")
    anna = await waitlist.person("Anna")
    nameless = await waitlist.practice.client(name="Nobody")
    async with waitlist.practice.sessions() as session:
        connection = await session.connection()
        await connection.execute(text("UPDATE client SET first_name = NULL WHERE id = :id"), {"id": nameless})
        await session.commit()
    before = await waitlist.rows()
    now = waitlist.practice.clock.instant
    wishes = {
        Problem.VALIDATION_FAILED: [
            waitlist.wish(anna, therapist="nobody"),
            waitlist.wish(anna, therapist="ben"),
            waitlist.wish(anna, wished_from=MONDAY, wished_until=MONDAY),
            waitlist.wish(anna, wished_from=now - DAY, wished_until=now),
        ],
        Problem.CLIENT_DETAILS_REQUIRED: [waitlist.wish(nameless)],
    }
    for name, orders in wishes.items():
        for order in orders:
            done = await waitlist.steps.join_waitlist(order)
            assert done.refusal is not None, order
            assert done.refusal.name is name
            assert done.lines == ()
    elsewhere = await waitlist.leaves(anna, uuid4())
    assert elsewhere.refusal is not None
    assert elsewhere.refusal.name is Problem.NOT_FOUND
    assert await waitlist.rows() == before


async def test_nobody_leaves_for_another(waitlist: Waitlist) -> None:
    await waitlist.waiters("Anna")
    [place] = await waitlist.places()
    berta = await waitlist.person("Berta")
    done = await waitlist.leaves(berta, place.id)
    assert done.refusal is not None
    assert await waitlist.ends() == [None]
