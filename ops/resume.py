"""Start workflows again from the database: ``python -m ops.resume --all``, or with the ids of some workflows.

With ``--all`` everything that must run and does not is started, as on an empty engine; what runs is left as it is. The
keeper does the same within ten minutes, but for what it has left alone because it kept ending.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from uuid import uuid4

from config import settings_or_exit
from engine.ending import end
from models.reads.epoch import present_epoch
from models.reads.keeping.must_run import FollowedRow, is_open, must_run, practice_mail_waits
from models.writes.keeping.resumptions import Lost, lost_run, mark_done, note_resumptions, run_key
from ops.connected import Connected, connected
from ops.leaving import exit_code
from rules.keeping import PRACTICE_MAIL_ID, Kept, ResumedBecause, kept
from workflows.messages import AGAIN

_ROWS = 500
_AT_ONCE = 40
_BECAUSE = "started again by hand"


async def resume_all(on: Connected) -> int:
    """Start everything that must run and does not; how many that were."""
    number = 0
    async for records in _must_run(on):
        lost = await _lost(on, records)
        await _start(on, lost)
        number += len(lost)
        print(f"{records[0].kind.value}: {len(records)} looked at, {len(lost)} started", flush=True)
    return number + await _start_practice_mail(on)


async def resume_these(on: Connected, workflow_ids: Sequence[str]) -> tuple[int, list[str]]:
    """Start these, unless they run; how many were started, and the ids whose row says that nothing must run."""
    records: list[FollowedRow] = []
    closed: list[str] = []
    number, now = 0, await on.clock.now()
    async with on.sessions() as session:
        for workflow_id in workflow_ids:
            if workflow_id == PRACTICE_MAIL_ID:
                number += await _start_practice_mail(on)
                continue
            known = kept(workflow_id)
            record = await is_open(session, *known, now=now) if known else None
            if record is None:
                closed.append(workflow_id)
            else:
                records.append(record)
    lost = await _lost(on, records)
    await _start(on, lost)
    return number + len(lost), closed


async def _must_run(on: Connected) -> AsyncIterator[list[FollowedRow]]:
    now = await on.clock.now()
    for kind in Kept:
        after = ""
        while True:
            async with on.sessions() as session:
                records = await must_run(session, kind, before=now, after=after, limit=_ROWS)
            if records:
                yield records
            if len(records) < _ROWS:
                break
            after = records[-1].key


async def _start_practice_mail(on: Connected) -> int:
    """One if something waits that it delivers, and it does not run; else none."""
    async with on.sessions() as session:
        waits = await practice_mail_waits(session)
    return int(waits and await on.executions.start(PRACTICE_MAIL_ID, epoch=None))


async def _lost(on: Connected, records: Sequence[FollowedRow]) -> list[Lost]:
    executions = await on.executions.look_at_all(record.workflow_id for record in records)
    lost = []
    for record in records:
        execution = executions[record.workflow_id]
        if execution is None:
            lost.append(Lost(record=record, because=ResumedBecause.MISSING))
        elif not execution.runs:
            because = ResumedBecause(execution.status)
            by = await on.executions.ended_by(execution)
            lost.append(Lost(record=record, because=because, run_id=execution.run_id, by=by))
    return lost


async def _start(on: Connected, lost: Sequence[Lost]) -> None:
    command, now = uuid4(), await on.clock.now()
    async with on.sessions() as session:
        epoch = str(await present_epoch(session))
        await note_resumptions(session, lost, found_by=command, keeping_id=None, at=now)
        await session.commit()
    places = asyncio.Semaphore(_AT_ONCE)

    async def bring(one: Lost) -> tuple[str, str]:
        key = run_key(one.run_id, command)
        async with places:
            await on.executions.bring_back(
                one.workflow_id, lost_run=lost_run(key), epoch=epoch, again=AGAIN, because=_BECAUSE
            )
        return one.workflow_id, key

    done = await asyncio.gather(*(bring(one) for one in lost))
    async with on.sessions() as session:
        await mark_done(session, done, at=now)
        await session.commit()


async def _main(arguments: argparse.Namespace) -> int:
    async with connected(settings_or_exit()) as on:
        if arguments.all:
            print(f"{await resume_all(on)} workflows were started again.")
            return 0
        number, closed = await resume_these(on, arguments.workflow_id)
        print(f"{number} of {len(arguments.workflow_id)} workflows were started again.")
        for workflow_id in closed:
            print(f"{workflow_id}: no row says that it must run", file=sys.stderr)
        return 1 if closed else 0


def main(arguments: Sequence[str]) -> int:
    """The command. Returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.resume", description=__doc__)
    parser.add_argument("--all", action="store_true", help="everything that must run")
    parser.add_argument("workflow_id", nargs="*")
    read = parser.parse_args(arguments)
    if read.all == bool(read.workflow_id):
        parser.error("give either --all or the ids of workflows")
    return exit_code(lambda: asyncio.run(_main(read)))


if __name__ == "__main__":
    end(main(sys.argv[1:]))
