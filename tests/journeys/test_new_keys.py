"""A change of keys, from the new key in front to the old one taken out: the runbook, and everything still reads."""

import asyncio
from collections import Counter
from dataclasses import replace

from sqlmodel import SQLModel, select

from models import tables
from models.database import Sessions, session_factory
from models.sealed import RowKeys
from models.sealing import sealed_columns
from ops.connected import Connected
from ops.encryption_keys import refusal, uses
from ops.reencrypt import reencrypt
from tests.care.defaults import CHAIN_KEYS, ROW_KEYS
from tests.care.story import Care

NEW = ("new", b"n" * 32)
KNOWN = ["new", "tests"]


async def _everything_reads(sessions: Sessions) -> Counter[str]:
    """Every row that has something sealed, opened; how many there are of each table."""
    found: Counter[str] = Counter()
    async with sessions() as session:
        for table in (getattr(tables, name) for name in tables.__all__):
            if issubclass(table, SQLModel) and sealed_columns(table):
                found[table.__tablename__] = len((await session.exec(select(table))).all())
    return +found


async def test_the_old_key_can_go_once_everything_is_sealed_anew(care: Care) -> None:
    sara = await care.client_in_care(sessions=1)
    await sara.session(1).occurs()
    await care.post(f"/v1/clients/{sara.id}/credits", {"amount": 100, "currency": "USD", "reason": "hi"}, by="desk")
    await care.post(f"/v1/clients/{sara.id}/goals", {"text": "sleep", "remind": None}, by="ana")
    await sara.is_archived()
    before = await _everything_reads(care.house.sessions)
    assert before.keys() >= {"client", "form_answer", "goal", "credit", "remark"}

    # The new key in front, the old one kept, and everything started again.
    bind = care.house.sessions.kw["bind"]
    rotated = session_factory(bind, chain=CHAIN_KEYS, rows=RowKeys((NEW, *ROW_KEYS.keys)))
    await care.house.stop_worker()
    care.house.dependencies = replace(care.house.dependencies, sessions=rotated)
    await care.house.start_worker()
    used = await uses(rotated, Counter(), known=KNOWN)
    assert str(refusal("tests", used, known=KNOWN)).startswith("tests is still needed")

    executions = care.house.dependencies.executions
    assert executions is not None
    on = Connected(sessions=rotated, executions=executions, clock=care.house.clock)
    done = await asyncio.wait_for(reencrypt(on), 60)
    assert (done.sealed > 0, done.unreadable) == (True, 0)
    again = await asyncio.wait_for(reencrypt(on), 60)
    assert (again.sealed, again.unreadable) == (0, 0)

    # What the API has kept of its answers is sealed by another key of the same name, for a day.
    used = await uses(rotated, Counter(), known=KNOWN)
    assert refusal("tests", used, known=KNOWN) is None
    without = session_factory(bind, chain=CHAIN_KEYS, rows=RowKeys((NEW,)))
    assert await _everything_reads(without) == before
