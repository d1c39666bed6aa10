"""The daily anchor: made once a day however often and by how many it is tried, and told outside exactly once."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from structlog.testing import capture_logs
from temporalio.testing import ActivityEnvironment

from activities.base import Dependencies
from activities.keeping.anchoring import Anchoring, keep_line
from activities.keeping.practice_mail import PracticeMailActivities
from activities.mail.own_mails import OwnMails
from activities.ports import MailerUnavailable, MailRejected
from activities.practice import Witness
from models.database import Sessions
from models.reads.keeping.overdue import undelivered
from models.tables import Anchor, OutboxItem, Task
from models.tables.mail.outbox import OutboxStatus
from models.writes.keeping.epoch import begin_epoch
from ops.verify import verify_all
from rules.anchors import line_holds, read_lines
from rules.enums import TaskKind
from rules.mail.kinds import Mail
from tests.activities.keeping.conftest import Kept
from tests.care.defaults import CHAIN_KEYS
from tests.care.practice import Practice
from tests.care.rows import DAY

NOTARY = "notary@elsewhere.example"


async def see_to_it(deps: Dependencies, at: datetime) -> None:
    await ActivityEnvironment().run(lambda: Anchoring(deps).see_to_it(at=at))


async def deliver(deps: Dependencies) -> None:
    await ActivityEnvironment().run(OwnMails(deps).deliver)


async def made(sessions: Sessions) -> list[Anchor]:
    async with sessions() as session:
        return list((await session.exec(select(Anchor).order_by(col(Anchor.number)))).all())


async def mails(sessions: Sessions) -> list[OutboxItem]:
    async with sessions() as session:
        found = await session.exec(select(OutboxItem).where(col(OutboxItem.template) == Mail.DAILY_ANCHOR))
        return list(found.all())


@pytest.fixture
def by_mail(practice: Practice) -> Dependencies:
    return replace(practice.delivery.deps, witness=Witness(email=NOTARY))


@pytest.fixture
def in_file(practice: Practice, tmp_path: Path) -> Dependencies:
    return replace(practice.delivery.deps, witness=Witness(file=tmp_path / "anchors"))


# ---------------------------------------------------------------- once a day


async def test_there_is_one_a_day_whoever_tries(practice: Practice, in_file: Dependencies) -> None:
    await practice.client()
    file = in_file.witness.file
    assert file is not None
    for _ in range(3):
        await asyncio.gather(*(see_to_it(in_file, practice.clock.instant) for _ in range(4)))
        await see_to_it(in_file, practice.clock.instant + timedelta(minutes=10))
        practice.clock.instant += DAY
    anchors = await made(practice.sessions)
    assert [anchor.date.day for anchor in anchors] == [23, 24, 25]
    lines = read_lines(file.read_text())
    assert [line.anchor for line in lines] == [1, 2, 3]
    assert all(line_holds(CHAIN_KEYS, line) for line in lines)
    assert (await verify_all(practice.sessions, lines)).faults == []


async def test_a_day_without_a_round_is_left_out_and_the_next_covers_it(
    practice: Practice, in_file: Dependencies
) -> None:
    await see_to_it(in_file, practice.clock.instant)
    await practice.client()
    await see_to_it(in_file, practice.clock.instant + 3 * DAY)
    first, second = await made(practice.sessions)
    assert (first.chains, first.heads, second.chains, second.heads) == (0, 0, 1, 1)


async def test_the_day_is_that_of_utc(practice: Practice, in_file: Dependencies) -> None:
    await see_to_it(in_file, datetime(2026, 3, 2, 23, 59, tzinfo=UTC))
    await see_to_it(in_file, datetime(2026, 3, 3, 0, 1, tzinfo=UTC))
    assert [anchor.date.isoformat() for anchor in await made(practice.sessions)] == ["2026-03-02", "2026-03-03"]


# ---------------------------------------------------------------- by whoever has the programs' role, without the keys

ROW = "INSERT INTO anchor SELECT {number}, '{date}', now(), epoch, 1, 1, '', 'tests', NULL, '', 'x' FROM epoch"
PLANTED = {
    "of a day to come": ROW.format(number=2, date="9999-12-30"),
    "of tomorrow": ROW.format(number=2, date="2026-02-24"),
    "with the last number": ROW.format(number=2**31 - 1, date="9999-12-30"),
    "the one before, once more": (
        "INSERT INTO anchor SELECT 2, '2026-02-24', at, epoch, chains, heads, root, key_id, previous_key_id,"
        " previous_hash, hash FROM anchor"
    ),
    "many": (
        "INSERT INTO anchor SELECT n, '9999-12-30', now(), epoch, 1, 1, '', 'other', NULL, '', 'x'"
        " FROM epoch, generate_series(2, 252) n"
    ),
}


async def _writes(sessions: Sessions, statement: str) -> None:
    async with sessions() as session:
        await (await session.connection()).execute(text(statement))
        await session.commit()


@pytest.mark.parametrize("planted", PLANTED)
async def test_a_row_that_nobody_signed_stops_no_anchor(
    practice: Practice, in_file: Dependencies, planted: str
) -> None:
    file, today = in_file.witness.file, practice.clock.instant
    assert file is not None
    await practice.client()
    await see_to_it(in_file, today)
    await _writes(practice.sessions, PLANTED[planted])
    with capture_logs() as logs:
        for later in (timedelta(), DAY, DAY + timedelta(minutes=10), 2 * DAY):
            await see_to_it(in_file, today + later)
    lines = read_lines(file.read_text())
    assert [line.date for line in lines] == ["2026-02-23", "2026-02-24", "2026-02-25"]
    assert [entry["log_level"] for entry in logs] == ["error"]
    async with practice.sessions() as session:
        [task] = (await session.exec(select(Task))).all()
    assert "was written without the keys" in task.text
    found = await verify_all(practice.sessions, lines)
    assert found.faults
    whose = {row.number for row in await made(practice.sessions)} - {line.anchor for line in lines}
    named = {int(number) for fault in found.faults for number in re.findall(r"(?:entry|entries|anchor) (\d+)", fault)}
    assert named & whose, "the planted ones are named"
    assert not named & {line.anchor for line in lines}, "and none of the others"


async def test_heads_of_an_anchor_to_come_stop_no_anchor(practice: Practice, in_file: Dependencies) -> None:
    client = await practice.client()
    await see_to_it(in_file, practice.clock.instant)
    head = "INSERT INTO anchored_head SELECT 2, client_id, 9, hash, NULL, key_id, mac FROM anchored_head"
    await _writes(practice.sessions, head)
    await see_to_it(in_file, practice.clock.instant + DAY)
    assert [anchor.number for anchor in await made(practice.sessions)] == [1, 3]
    faults = (await verify_all(practice.sessions)).faults
    assert f"anchor 2: the head of client {client} was changed" in faults


@pytest.mark.parametrize("date", ["infinity", "-infinity", "0044-03-15 BC", "10000-01-01"])
async def test_no_row_is_there_that_could_not_be_read(practice: Practice, date: str) -> None:
    with pytest.raises(IntegrityError, match="can_be_read"):
        await _writes(practice.sessions, ROW.format(number=1, date=date))
    with pytest.raises(IntegrityError, match="can_be_read"):
        await _writes(practice.sessions, ROW.format(number=1, date="2026-02-23").replace("now()", f"'{date}'"))


async def test_a_clock_that_was_set_back_stops_no_anchor(practice: Practice, in_file: Dependencies) -> None:
    for days in (30, 0, 0, 1):
        await see_to_it(in_file, practice.clock.instant + days * DAY)
    dates = [anchor.date.isoformat() for anchor in await made(practice.sessions)]
    assert dates == ["2026-03-25", "2026-02-23", "2026-02-24"]
    async with practice.sessions() as session:
        [task] = (await session.exec(select(Task))).all()
    assert "Anchor 1 is of 2026-03-25, which is to come" in task.text
    assert (await verify_all(practice.sessions)).faults == []


async def test_no_line_is_mailed_of_a_row_that_nobody_signed(practice: Practice, by_mail: Dependencies) -> None:
    await see_to_it(by_mail, practice.clock.instant)
    await _writes(practice.sessions, ROW.format(number=2, date="2026-02-24"))
    await _writes(practice.sessions, 'UPDATE outbox SET "order" = jsonb_set("order", \'{text}\', \'"2"\')')
    await deliver(by_mail)
    [row] = await mails(practice.sessions)
    assert (row.status, practice.post.sent) == (OutboxStatus.UNWRITABLE, [])


# ---------------------------------------------------------------- in a file


def test_a_line_is_kept_once_and_behind_one_that_was_cut(tmp_path: Path) -> None:
    file = tmp_path / "anchors"
    file.write_text('{"anchor":1')  # the machine went down
    for _ in range(2):
        keep_line(file, '{"anchor":2,"hash":"abc"}', known_by="abc")
    assert file.read_text().splitlines() == ['{"anchor":1', '{"anchor":2,"hash":"abc"}']


def test_a_line_is_on_the_disk_before_it_counts_as_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("os.fsync", lambda number: synced.append(Path(f"/proc/self/fd/{number}").readlink()))
    keep_line(tmp_path / "anchors", "{}", known_by="abc")
    assert synced == [tmp_path / "anchors", tmp_path], "the file, and the folder that it is new in"


async def test_a_file_that_cannot_be_written_is_a_task_and_is_tried_again(
    practice: Practice, in_file: Dependencies
) -> None:
    file = in_file.witness.file
    assert file is not None
    file.mkdir()  # in its place
    for _ in range(2):
        await see_to_it(in_file, practice.clock.instant)
    async with practice.sessions() as session:
        [task] = (await session.exec(select(Task))).all()
    assert (task.kind, "ANCHOR_FILE" in task.text) == (TaskKind.OVERDUE, True)
    file.rmdir()
    await see_to_it(in_file, practice.clock.instant)
    assert len(read_lines(file.read_text())) == len(await made(practice.sessions)) == 1


# ---------------------------------------------------------------- by mail


async def test_it_is_mailed_once_and_the_line_can_be_verified(practice: Practice, by_mail: Dependencies) -> None:
    await practice.client()
    for _ in range(3):
        await see_to_it(by_mail, practice.clock.instant)
        await deliver(by_mail)
    [mail] = practice.post.sent
    assert (mail.to, mail.template, mail.subject) == (NOTARY, "daily_anchor", "Anchor 1 of 2026-02-23")
    lines = read_lines(mail.text)
    assert [line.chains for line in lines] == [1]
    assert (await verify_all(practice.sessions, lines)).faults == []
    [row] = await mails(practice.sessions)
    assert (row.status, row.client_id, row.message_id) == (OutboxStatus.SENT, None, "message-1")


@pytest.mark.parametrize("ambiguous", [False, True])
async def test_a_mail_service_that_is_away_is_asked_again(
    practice: Practice, by_mail: Dependencies, ambiguous: bool
) -> None:
    practice.post.trouble = [(False, MailerUnavailable("away", ambiguous=ambiguous))]
    await see_to_it(by_mail, practice.clock.instant)
    await deliver(by_mail)
    assert practice.post.sent == []
    await deliver(by_mail)
    assert practice.post.sent == [], "not before its time"
    practice.clock.instant += timedelta(minutes=1)
    await deliver(by_mail)
    assert len(practice.post.sent) == 1


async def test_one_that_is_refused_is_a_task(practice: Practice, by_mail: Dependencies) -> None:
    practice.post.trouble = [(False, MailRejected(status=400, message="no such mailbox"))]
    await see_to_it(by_mail, practice.clock.instant)
    await deliver(by_mail)
    [row] = await mails(practice.sessions)
    assert row.status is OutboxStatus.UNDELIVERABLE
    async with practice.sessions() as session:
        [task] = (await session.exec(select(Task))).all()
    assert (task.kind, task.client_id) == (TaskKind.MAIL_UNDELIVERABLE, None)


async def test_one_that_was_under_way_when_its_worker_died_is_sent_again(
    practice: Practice, by_mail: Dependencies
) -> None:
    await see_to_it(by_mail, practice.clock.instant)
    async with practice.sessions() as session:
        later = practice.clock.instant + timedelta(seconds=30)
        sending = text("UPDATE outbox SET status = 'sending', tries = 1, next_try_at = :later")
        await (await session.connection()).execute(sending, {"later": later})
        await session.commit()
    await deliver(by_mail)
    assert practice.post.sent == []
    practice.clock.instant = later
    await deliver(by_mail)
    assert len(practice.post.sent) == 1


async def test_whom_no_setting_names_gets_none(practice: Practice, by_mail: Dependencies) -> None:
    await see_to_it(by_mail, practice.clock.instant)
    await deliver(replace(by_mail, witness=Witness()))
    [row] = await mails(practice.sessions)
    assert (row.status, practice.post.sent) == (OutboxStatus.NOT_WANTED, [])


async def test_practice_mail_delivers_it_and_comes_back_for_what_is_left(
    practice: Practice, by_mail: Dependencies
) -> None:
    practice.post.trouble = [(False, MailerUnavailable("away", ambiguous=False))]
    await see_to_it(by_mail, practice.clock.instant)
    reaches_others: Any = object()  # nobody's journey is asked about a mail of the practice's own
    steps = PracticeMailActivities(replace(by_mail, executions=reaches_others))
    for left in (practice.clock.instant + timedelta(minutes=1), None):
        told = await ActivityEnvironment().run(steps.deliver_practice_mail, "closed")
        assert told.look_at == left
        practice.clock.instant += timedelta(minutes=1)
    assert len(practice.post.sent) == 1


async def test_one_that_nobody_delivers_is_found_late(practice: Practice, by_mail: Dependencies) -> None:
    await see_to_it(by_mail, practice.clock.instant)
    async with practice.sessions() as session:
        [late] = await undelivered(session, before=practice.clock.instant + timedelta(hours=1))
    assert (late.client_id, late.text.split(" have ")[0]) == (None, "1 mails of the practice's own")


# ---------------------------------------------------------------- by the keeper's rounds


async def test_a_round_sees_to_it_and_wakes_who_delivers(kept: Kept, tmp_path: Path) -> None:
    kept.deps = replace(kept.deps, witness=Witness(email=NOTARY, file=tmp_path / "anchors"))
    kept.steps[0].__self__.deps = kept.deps
    await kept.journey()
    for _ in range(2):
        await kept.round()
    [anchor] = await made(kept.sessions)
    assert [line.hash for line in read_lines((tmp_path / "anchors").read_text())] == [anchor.hash]
    assert len(await mails(kept.sessions)) == 1
    assert await kept.runs("practice-mail")


async def test_a_round_marks_the_chains_of_an_epoch_that_nobody_marked(kept: Kept) -> None:
    sara = await kept.journey()
    await kept.of(sara).terminate("so that there is a fact")
    await kept.round()
    async with kept.sessions() as session:
        await begin_epoch(session, epoch=sara.id, at=await kept.deps.clock.now(), marked=True)
        await session.commit()
    await kept.round()
    await kept.round()
    [mark] = [fact for fact in await kept.facts(sara) if fact.kind == "epoch_began"]
    assert mark.data["marked_by"] == "keeper"
    assert "Whether a copy was restored, only whoever runs the system can say" in mark.text
    assert (await verify_all(kept.sessions)).faults == []
