"""The steps of an archive of many: done twice is done once, and what was recorded late counts in the end."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from activities.archive import bulk as bulk_archive
from activities.archive.bulk import BulkArchiveActivities
from activities.types.archive import ArchiveOrder, BulkArchiveOrder, BulkLook, BulkProgress, BulkRound
from activities.types.workflow_ids import journey_id
from models.paging import Page
from models.reads.archive import bulk as bulk_archives
from models.writes.archive.bulk import make_bulk_archive
from rules.accounts.vouching import is_vouched
from rules.archive.bulk import ALREADY_ARCHIVED, GONE, LATE, MOST_MATCHING, STOPPED, request_id_of
from tests.care.practice import DESK, Practice


class Many:
    """An archive of some clients, whose journeys are played by the test."""

    def __init__(self, practice: Practice, clients: list[str]) -> None:
        self.practice = practice
        self.clients = clients
        self.steps = BulkArchiveActivities(practice.archive.deps)
        self.order = BulkArchiveOrder(id=str(uuid4()), asked_by=DESK.actor, asked_at=practice.clock.instant)

    async def is_asked_for(self) -> None:
        """What the API writes down."""
        async with self.practice.sessions() as session:
            await make_bulk_archive(
                session,
                id=UUID(self.order.id),
                whom=[UUID(client) for client in self.clients],
                asked_by=self.order.asked_by,
                at=self.order.asked_at,
                group_id=None,
                reason=None,
                notify=True,
                most=MOST_MATCHING,
            )
            await session.commit()

    async def look(self, **more: object) -> BulkLook:
        """One round, done twice: the second time nothing is new."""
        order = BulkRound(id=self.order.id, **more)  # type: ignore[arg-type]
        first = await self.steps.work_off_bulk_archive(order)
        assert await self.steps.work_off_bulk_archive(order) == first
        assert tuple(first.vouchers) == first.next
        return replace(first, vouchers={})

    async def records(self, client: str, request_id: str | None = None) -> None:
        """What the client's journey does."""
        order = ArchiveOrder(
            client_id=client, request_id=request_id or request_id_of(self.order.id, client), by=DESK.actor
        )
        await self.practice.archive.archive_client(order)

    async def results(self) -> list[tuple[str, str | None]]:
        async with self.practice.sessions() as session:
            lines = await bulk_archives.lines_of(session, DESK, UUID(self.order.id), Page())
        in_order = sorted((line for line, _ in lines), key=lambda line: line.number)
        return [(line.result.value, line.because) for line in in_order]


@pytest.fixture
async def many(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> Many:
    """Five clients, two at a time."""
    monkeypatch.setattr(bulk_archive, "AT_A_TIME", 2)
    names = ("Anna", "Berta", "Carla", "Doris", "Edith")
    many = Many(practice, [await practice.client(name=name) for name in names])
    await many.is_asked_for()
    return many


async def test_it_begins_with_its_id_alone_wherever_it_was_ended(many: Many) -> None:
    begun = await many.steps.begin_bulk_archive(many.order.id)
    assert (begun.order, begun.progress) == (many.order, BulkProgress(total=5))
    anna, berta = many.clients[:2]
    assert (await many.look()).next == (anna, berta)
    await many.records(anna)
    await many.look(told=(anna, berta))
    again = await many.steps.begin_bulk_archive(many.order.id)
    assert (again.order, again.progress) == (many.order, BulkProgress(total=5, archived=1))


async def test_a_round_records_what_the_journeys_did_and_names_the_next(many: Many) -> None:
    anna, berta, carla, doris, edith = many.clients
    assert await many.look() == BulkLook(progress=BulkProgress(total=5), next=(anna, berta))
    assert await many.look(told=(anna, berta)) == BulkLook(progress=BulkProgress(total=5), waiting=(anna, berta))
    await many.records(berta)
    await many.records(carla, request_id=str(uuid4()))  # by somebody else
    look = await many.look(told=(anna, berta))
    assert look == BulkLook(progress=BulkProgress(total=5, archived=1, skipped=1), waiting=(anna,), next=(doris,))
    look = await many.look(told=(doris,), late=(anna,))
    assert (look.progress, look.waiting, look.next) == (
        BulkProgress(total=5, archived=1, skipped=1, failed=1),
        (doris,),
        (edith,),
    )
    look = await many.look(told=(doris,), gone=(edith,))
    await many.records(doris)
    assert (await many.look(told=(doris,))).progress.done == 5
    archived = ("archived", None)
    assert await many.results() == [
        ("failed", LATE),
        archived,
        ("skipped", ALREADY_ARCHIVED),
        archived,
        ("failed", GONE),
    ]

    # The journey that took so long is done with it before the end.
    await many.records(anna)
    ended = BulkProgress(total=5, archived=3, skipped=1, failed=1)
    assert await many.steps.finish_bulk_archive(many.order.id) == ended
    assert await many.steps.finish_bulk_archive(many.order.id) == ended
    assert (await many.results())[0] == archived


async def test_each_journey_is_told_with_a_voucher_for_whoever_asked(many: Many) -> None:
    look = await many.steps.work_off_bulk_archive(BulkRound(id=many.order.id))
    believes = many.practice.archive.deps.vouching.holds
    for client_id in look.next:
        order = ArchiveOrder(
            client_id=client_id,
            request_id=request_id_of(many.order.id, client_id),
            by=DESK.actor,
            voucher=look.vouchers[client_id],
            of_many=many.order.id,
            notify=many.order.notify,
        )
        assert is_vouched(order, workflow_id=journey_id(client_id), holds=believes)
        for forged in (replace(order, by="admin:root"), replace(order, notify=not order.notify)):
            assert not is_vouched(forged, workflow_id=journey_id(client_id), holds=believes)


async def test_once_stopped_whoever_was_asked_is_waited_for(many: Many) -> None:
    anna, berta, *_ = many.clients
    await many.look()
    look = await many.look(told=(anna, berta), stopped=True)
    assert look == BulkLook(progress=BulkProgress(total=5, skipped=3), waiting=(anna, berta))
    assert (await many.results())[2:] == [("skipped", STOPPED)] * 3
