"""The access log under attack: whoever owns the tables and has none of the keys is found, and named."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from models.database import Sessions, session_factory
from models.reads.accounts.access_chain import blocks, newest_block
from models.tables import AccessLine, ChainedAccess
from models.writes.accounts.access_chain import chain_accesses, remove_accesses
from models.writes.accounts.accesses import write_accesses
from ops import expire_accesses as command
from ops.expire_accesses import expire_accesses
from ops.restored import mark_restored
from ops.verify import verify_all
from rules.accounts.accesses import Access, AccessEvent, AccessKind, BlockKind
from rules.chain import ChainKeys
from tests.care.defaults import CHAIN_KEYS
from tests.care.owner import Owner
from tests.care.rows import DAY, NOW
from tests.ops.chains import Practice

FORGE_BLOCK = (
    "INSERT INTO access_block (number, at, kind, data, key_id, previous_hash, hash) VALUES"
    " (:number, :at, 'lines', '{\"lines\": 0, \"root\": \"\", \"last\": 9000000000}', 'tests', repeat('0', 64),"
    " repeat('1', 64))"
)

FORGE_LINE = (
    "INSERT INTO access_line (number, id, at, event, who, whose, request_id, of_archive, key_id, mac)"
    " OVERRIDING SYSTEM VALUE VALUES (:number, gen_random_uuid(), :at, 'read', 'an-enemy', '{}', 'x', false, 'tests',"
    " repeat('0', 64))"
)


class Log:
    """Lines that are written and chained, a block after the other."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self.sara = uuid4()

    async def writes(self, lines: int, *, at: datetime = NOW) -> None:
        accesses = [
            Access(
                at=at,
                event=AccessEvent.READ,
                kind=AccessKind.NOTES,
                who=f"person-{number}",
                role="care_team",
                whose=(str(self.sara),),
                request_id=uuid4().hex,
            )
            for number in range(lines)
        ]
        async with self.sessions() as session:
            await write_accesses(session, accesses)
            await session.commit()

    async def chains(self, *, at: datetime = NOW) -> int:
        async with self.sessions() as session:
            covered = await chain_accesses(session, at=at)
            await session.commit()
        return covered

    async def block(self, lines: int, *, at: datetime = NOW) -> None:
        await self.writes(lines, at=at)
        assert await self.chains(at=at) == lines

    async def takes_place(self, line: int, *, block: int) -> None:
        """As the programs' role can."""
        async with self.sessions() as session:
            session.add(ChainedAccess(line=line, block=block))
            await session.commit()

    async def faults(self) -> list[str]:
        return (await verify_all(self.sessions)).faults

    async def numbers(self) -> list[int]:
        async with self.sessions() as session:
            found = await session.exec(select(AccessLine.number).order_by(AccessLine.number))  # type: ignore[arg-type]
            return [number or 0 for number in found]


@pytest.fixture
def log(sessions: Sessions) -> Log:
    return Log(sessions)


async def three_blocks(log: Log) -> list[int]:
    for number in range(3):
        await log.block(3, at=NOW + number * timedelta(minutes=15))
    return await log.numbers()


async def test_what_the_programs_wrote_holds_chained_or_not(log: Log) -> None:
    await three_blocks(log)
    await log.writes(2, at=NOW + timedelta(hours=1))
    found = await verify_all(log.sessions)
    assert (found.faults, found.accesses) == ([], 11)
    assert await log.chains() == 2
    assert await log.chains() == 0
    assert await log.faults() == []


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE access_line SET who = 'nobody' WHERE number = :line", "line {line} was changed, or written without"),
        ("UPDATE access_line SET whose = '{{}}' WHERE number = :line", "line {line} was changed, or written without"),
        (
            "UPDATE access_line SET about = 'ivo' WHERE number = :line",
            "line {line} was changed, or written without",
        ),
        ("UPDATE access_line SET at = at + interval '1 s' WHERE number = :line", "line {line} was changed"),
        ("UPDATE access_line SET of_archive = true WHERE number = :line", "line {line} was changed"),
        ("DELETE FROM access_line WHERE number = :line", "entry 2 covers 3 lines, and 2 are there"),
        ("DELETE FROM chained_access WHERE line = :line", "entry 2 covers 3 lines, and 2 are there"),
        ("UPDATE chained_access SET block = 3 WHERE line = :line", "entry 3 covers 3 lines, and 4 are there"),
        ("DELETE FROM access_block WHERE number = 2", "entry 2 is missing"),
        ("UPDATE access_block SET at = at + interval '1 s' WHERE number = 2", "entry 2 is changed after being written"),
        ("UPDATE access_block SET number = 5 - number WHERE number = 2", "entry 3 is changed after being written"),
        ("UPDATE access_block SET hash = repeat('a', 64) WHERE number = 2", "entry 2 is changed after being written"),
        (
            "UPDATE access_block SET data = data || '{{\"lines\": 2}}' WHERE number = 2",
            "entry 2 is changed after being written, or written without the keys",
        ),
    ],
)
async def test_an_attack_is_named(log: Log, owner: Owner, statement: str, said: str) -> None:
    line = (await three_blocks(log))[4]
    if "5 - number" in statement:
        await owner.writes("DELETE FROM access_block WHERE number = 3")
    await owner.writes(
        statement.replace("{{", "{").replace("}}", "}"), **({"line": line} if ":line" in statement else {})
    )
    faults = await log.faults()
    assert any(fault.startswith(f"access log: {said.format(line=line)}") for fault in faults), faults


async def test_lines_that_change_places_are_found(log: Log, owner: Owner) -> None:
    lines = await three_blocks(log)
    moved = "UPDATE chained_access SET block = CASE block WHEN 1 THEN 2 ELSE 1 END WHERE line IN (:one, :other)"
    await owner.writes(moved, one=lines[0], other=lines[3])
    assert await log.faults() == [f"access log: entry {n} covers other lines than those that are there" for n in (1, 2)]


async def test_a_line_that_was_made_up_is_found_chained_or_not(log: Log) -> None:
    """The programs' role can add a line, but not sign it; who chains it has not vouched for it."""
    await log.block(1)
    await log.writes(1, at=NOW + DAY)
    forged = AccessLine(
        id=uuid4(), at=NOW, event=AccessEvent.READ, kind=AccessKind.NOTES, who="an-enemy", role="therapist",
        whose=[log.sara], request_id="x", key_id="tests", mac="0" * 64,
    )  # fmt: skip
    async with log.sessions() as session:
        session.add(forged)
        await session.commit()
    said = [f"access log: line {(await log.numbers())[-1]} was changed, or written without the keys"]
    assert await log.faults() == said
    assert await log.chains() == 2
    assert await log.faults() == said


async def test_a_signature_does_not_move_to_another_line(log: Log, owner: Owner) -> None:
    """Nor can a line be written twice, under another id."""
    lines = await three_blocks(log)
    await owner.writes(
        "INSERT INTO access_line (id, at, event, who, role, kind, whose, request_id, of_archive, key_id, mac)"
        " SELECT gen_random_uuid(), at, event, who, role, kind, whose, request_id, of_archive, key_id, mac"
        " FROM access_line WHERE number = :line",
        line=lines[0],
    )
    assert f"line {(await log.numbers())[-1]} was changed, or written without the keys" in "".join(await log.faults())


async def test_the_programs_role_cannot_stop_the_chain(log: Log, owner: Owner) -> None:
    """Entries of theirs, of numbers to come, are found, and stood beside; lines go on to be covered."""
    await log.block(2)
    await owner.writes(FORGE_BLOCK, number=2, at=NOW)
    await owner.writes(FORGE_BLOCK, number=2**31 - 1, at=NOW)
    await log.writes(2, at=NOW + DAY)
    assert await log.chains(at=NOW + DAY) == 2
    async with log.sessions() as session:
        newest = await newest_block(session)
    assert newest is not None
    assert newest.number == 3
    assert "access log: entry 2 is changed after being written, or written without the keys" in await log.faults()


async def test_nor_by_a_line_of_a_number_that_is_far_ahead(log: Log) -> None:
    """Whoever can add a line can give it a number. Lines that were signed go on to be covered, and theirs is found."""
    await log.block(1)
    async with log.sessions() as session:
        await (await session.connection()).execute(text(FORGE_LINE), {"number": 2**62, "at": NOW})
        await session.commit()
    assert await log.chains() == 1
    await log.block(2, at=NOW + DAY)
    assert await log.faults() == [f"access log: line {2**62} was changed, or written without the keys"]


async def test_nor_by_saying_beforehand_that_lines_to_come_are_covered(log: Log) -> None:
    await log.block(1)
    [line] = await log.numbers()
    for ahead in (1, 2, 3):
        with pytest.raises(DBAPIError, match=f"there is no line {line + ahead} of the access log"):
            await log.takes_place(line + ahead, block=1)
    await log.block(3, at=NOW + DAY)
    assert await log.faults() == []


async def test_a_line_whose_place_was_taken_is_found(log: Log, owner: Owner) -> None:
    """It is kept from being chained by a row that says that it is."""
    await log.block(1)
    await log.writes(1, at=NOW + DAY)
    [_, line] = await log.numbers()
    await owner.writes("INSERT INTO chained_access VALUES (:line, 77)", line=line)
    assert await log.chains() == 0
    assert await log.faults() == ["access log: entry 77 is missing, and lines are there that it covers"]


async def test_a_line_that_was_hidden_from_the_chain_is_found(log: Log, owner: Owner) -> None:
    await log.block(1)
    await log.block(1, at=NOW + DAY)
    [line, _] = await log.numbers()
    await owner.writes("DELETE FROM chained_access WHERE line = :line", line=line)
    assert f"access log: line {line} is covered by no entry, though later ones are" in await log.faults()


async def test_a_chain_that_was_cut_is_found_by_the_anchor(log: Log, owner: Owner) -> None:
    """Its lines included: what is left is a good chain, only shorter, and may grow again."""
    practice = Practice(log.sessions)
    await practice.client(1)
    await three_blocks(log)
    await practice.day_ends()
    assert (await practice.verified()).faults == []
    assert [(line.chains, line.heads) for line in practice.lines] == [(2, 2)]
    await practice.day_ends()  # nothing has changed
    await owner.writes(
        "DELETE FROM access_line WHERE number IN (SELECT line FROM chained_access WHERE block > 1)",
        "DELETE FROM chained_access WHERE block > 1",
        "DELETE FROM access_block WHERE number > 1",
    )
    assert await practice.faults() == ["access log: entries 2 to 3 are missing: anchor 1 covers entry 3"]
    await log.block(1, at=NOW + DAY)
    await log.block(1, at=NOW + 2 * DAY)
    assert await practice.faults() == ["access log: entry 3 is another than the one that anchor 1 covers"]
    await owner.writes("DELETE FROM anchored_head WHERE client_id = 'ffffffff-ffff-ffff-ffff-ffffffffffff'")
    assert await practice.faults() == ["anchor 1: it covers 2 heads, and 1 are stored"]


async def test_a_head_that_nobody_signed_does_not_keep_it_out_of_an_anchor(log: Log, owner: Owner) -> None:
    practice = Practice(log.sessions)
    await log.block(1)
    await practice.day_ends()
    await practice.day_ends()  # nothing has changed
    await log.block(1, at=NOW + 2 * DAY)
    await owner.writes(
        "INSERT INTO anchored_head (anchor, client_id, seq, hash, key_id, mac)"
        " SELECT 2, 'ffffffff-ffff-ffff-ffff-ffffffffffff', number, hash, 'tests', repeat('0', 64)"
        " FROM access_block WHERE number = 2"
    )
    await practice.day_ends()
    assert [line.heads for line in practice.lines] == [1, 0, 1]


async def test_whoever_computes_all_anew_without_the_keys_is_found(log: Log, owner: Owner) -> None:
    """Lines and entries that fit each other, under keys of their own."""
    await three_blocks(log)
    await owner.writes("DELETE FROM access_line", "DELETE FROM chained_access", "DELETE FROM access_block")
    others = Log(session_factory(owner.engine, chain=ChainKeys((("tests", b"x" * 32),))))
    await three_blocks(others)
    faults = await log.faults()
    assert len([fault for fault in faults if "entry" in fault or "entries" in fault]) > 0
    assert len([fault for fault in faults if "line " in fault]) == 9


async def test_a_new_key_signs_the_old_head(log: Log) -> None:
    await log.block(2)
    rotated = Log(session_factory(log.sessions.kw["bind"], chain=ChainKeys((("new", b"n" * 32), *CHAIN_KEYS.keys))))
    await rotated.block(2, at=NOW + DAY)
    assert await rotated.faults() == []
    async with log.sessions() as session:
        [_, second] = await blocks(session, after=0, limit=10)
    assert (second.key_id, second.previous_key_id) == ("new", "tests")


async def test_a_restore_is_told_in_the_chain(log: Log) -> None:
    await log.block(2)
    epoch = await mark_restored(log.sessions, at=NOW + DAY)
    async with log.sessions() as session:
        newest = await newest_block(session)
    assert newest is not None
    assert (newest.kind, newest.data["epoch"], newest.data["marked_by"]) == (
        BlockKind.EPOCH_BEGAN,
        str(epoch),
        "person",
    )
    await log.block(1, at=NOW + 2 * DAY)
    assert await log.faults() == []


# ---------------------------------------------------------------- six years

YEARS = 366 * 6 + 40  # days, after which the month is over


@pytest.fixture
def owners(owner: Owner) -> Sessions:
    return session_factory(owner.engine, chain=CHAIN_KEYS)


async def test_whole_months_are_removed_after_six_years_and_all_holds(log: Log, owners: Sessions) -> None:
    later = NOW + timedelta(days=YEARS)
    await log.block(3)
    await log.writes(1)  # once more: a repeat
    await log.block(2, at=later - DAY)
    assert await expire_accesses(owners, at=NOW + timedelta(days=366 * 6 - 40)) == []
    assert await expire_accesses(owners, at=later, only_tell=True) == [(f"{NOW:%Y-%m}", 3)]
    assert len(await log.numbers()) == 5
    assert await expire_accesses(owners, at=later) == [(f"{NOW:%Y-%m}", 3)]
    assert await expire_accesses(owners, at=later) == []
    assert len(await log.numbers()) == 2
    async with log.sessions() as session:
        newest = await newest_block(session)
    assert newest is not None
    assert (newest.kind, newest.data["lines"]) == (BlockKind.REMOVED, 3)
    assert await log.faults() == []
    await log.block(1, at=later)
    assert await log.faults() == []


async def test_what_somebody_else_removed_is_no_months_that_were_over(log: Log, owner: Owner, owners: Sessions) -> None:
    later = NOW + timedelta(days=YEARS)
    await log.block(3)
    await log.block(2, at=later - DAY)
    assert await expire_accesses(owners, at=later)
    await owner.writes("DELETE FROM access_line", "DELETE FROM chained_access")
    assert await log.faults() == ["access log: entry 2 covers 2 lines, and 0 are there"]


async def test_a_removal_before_its_time_is_named(log: Log, owners: Sessions) -> None:
    await log.block(3)
    async with owners() as session:
        await remove_accesses(session, before=NOW + DAY, at=NOW + DAY)
        await session.commit()
    assert await log.faults() == ["access log: entry 2 tells of lines that were removed before their time"]


async def test_the_programs_role_cannot_remove_however_old_they_are(log: Log) -> None:
    await log.block(1)
    with pytest.raises(Exception, match="permission denied for table access_repeat"):
        await expire_accesses(log.sessions, at=NOW + timedelta(days=YEARS))
    assert await log.faults() == []


def test_the_command(
    owner_url: str, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("DATABASE_OWNER_URL", owner_url)
    assert command.main([]) == 0
    assert capsys.readouterr().out.startswith("Nothing of the access log is older than ")
