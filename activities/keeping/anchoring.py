"""The daily anchor: made once a day, and told to who keeps it outside of the database, by mail, in a file, or both."""

import asyncio
import fcntl
import os
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy.exc import IntegrityError

from activities.base import Dependencies
from activities.types.workflow_ids import LOOK_AGAIN
from models.database import chain_keys
from models.reads.keeping.anchors import entry_of_anchor, newest_anchor
from models.reads.signed_rows import Newest
from models.tables.keeping.anchor import Anchor
from models.writes.clients.tasks import open_own_task
from models.writes.keeping.anchors import make_anchor
from models.writes.outbox import order_practice_mail, own_mail
from rules.anchors import is_ahead, is_due, line_of
from rules.enums import TaskKind
from rules.keeping import PRACTICE_MAIL_ID
from rules.mail.kinds import Mail

log = structlog.get_logger(__name__)

_NEWEST = 64 * 1024  # bytes at the end of a file, in which an anchor is looked for


class Anchoring:
    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    async def see_to_it(self, *, at: datetime) -> None:
        """Make the day's anchor (in UTC) if there is none, and see that it is in the file. Can be run at any time, and
        by many at once: there is one anchor a day, one mail of it, and one line in each file."""
        async with self._deps.sessions() as session:
            found = await newest_anchor(session)
        await self._say_what_is_wrong(found, at=at)
        newest = found.row
        if newest is None or is_due(newest.date, today=at.date()):
            newest = await self._make(at=at) or newest
        if newest is not None and self._deps.witness.file is not None:
            await self._keep(newest, self._deps.witness.file, at=at)

    async def _make(self, *, at: datetime) -> Anchor | None:
        mailed = self._deps.witness.email is not None
        try:
            async with self._deps.sessions() as session:
                anchor = await make_anchor(session, at=at)
                if anchor is not None and mailed:
                    reason = f"{anchor.epoch}:{anchor.number}"
                    await order_practice_mail(
                        session, own_mail(Mail.DAILY_ANCHOR, reason, text=str(anchor.number)), at=at
                    )
                await session.commit()
        except IntegrityError:
            return None  # somebody else was quicker by a moment
        if anchor is not None and mailed and self._deps.executions is not None:
            await self._deps.executions.wake(PRACTICE_MAIL_ID, LOOK_AGAIN)
        return anchor

    async def _keep(self, anchor: Anchor, file: Path, *, at: datetime) -> None:
        async with self._deps.sessions() as session:
            line = line_of(chain_keys(session), entry_of_anchor(anchor))
        try:
            await asyncio.to_thread(keep_line, file, line, known_by=anchor.hash)
        except OSError as error:
            log.error("the anchor of the day cannot be written", file=str(file), because=error.strerror)  # noqa: TRY400
            await self._say_it_is_not_kept(anchor, error.strerror or "it cannot be written", at=at)

    async def _say_it_is_not_kept(self, anchor: Anchor, because: str, *, at: datetime) -> None:
        text = f"Anchor {anchor.number} of {anchor.date} could not be added to ANCHOR_FILE: {because}. It is tried"
        text = f"{text} again with every round: tell whoever runs the system."
        _ = await self._open(f"anchor-not-kept:{anchor.hash}", text, at=at)

    async def _say_what_is_wrong(self, newest: Newest[Anchor], *, at: datetime) -> None:
        """Once: a row that was not signed, or one of a day that is still to come. The day's anchor is made all the
        same, on the newest that holds."""
        anchor = newest.row
        if newest.unsigned is not None:
            key, what = f"anchor-not-signed:{newest.unsigned}", f"Anchor {newest.unsigned} was written without the keys"
        elif anchor is not None and is_ahead(anchor.date, today=at.date()):
            key, what = f"anchor-ahead:{anchor.hash}", f"Anchor {anchor.number} is of {anchor.date}, which is to come"
        else:
            return
        text = f"{what}: tell whoever runs the system to look who could write to the database, and to run ops.verify."
        if await self._open(key, text, at=at):
            log.error("an anchor cannot be right", because=what)

    async def _open(self, key: str, text: str, *, at: datetime) -> bool:
        async with self._deps.sessions() as session:
            opened = await open_own_task(session, key=key, kind=TaskKind.OVERDUE, text=text, at=at)
            await session.commit()
        return opened


def keep_line(file: Path, line: str, *, known_by: str) -> None:
    """Add a line to the end of a file, unless what it is ``known_by`` stands there; it is on the disk afterwards."""
    is_new = not file.exists()
    with file.open("ab+") as kept:
        fcntl.flock(kept, fcntl.LOCK_EX)  # ends with the file
        size = kept.seek(0, os.SEEK_END)
        kept.seek(max(0, size - _NEWEST))
        there = kept.read()
        if known_by.encode() in there:
            return
        begins_anew = b"" if not there or there.endswith(b"\n") else b"\n"  # behind a line that was cut by a crash
        kept.write(begins_anew + line.encode() + b"\n")
        kept.flush()
        os.fsync(kept.fileno())
    if is_new:
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
