"""The keys: each that something in the database or in the engine was sealed or signed with is among the settings."""

import asyncio
from datetime import timedelta

from sqlalchemy.exc import DBAPIError
from temporalio.service import RPCError

from config import Settings, SettingsProblem
from engine.codec import data_converter
from engine.connect import EngineUnreachable, connect
from engine.key_use import key_ids
from models import database
from models.database import Sessions
from models.reads.keeping.encryption_keys import rows_by_key
from models.reads.keeping.sealed_rows import sealed_rows, sealed_tables
from models.reads.keeping.signing_keys import signing_keys
from ops.doctor.findings import Findings, first_line, ok, warning, wrong

_RUNS = 100  # of the engine's, of which histories are looked at; `ops.encryption_keys list` reads all
_HISTORIES_WITHIN = 6.0  # seconds
_CALL = timedelta(seconds=5)
_PAYLOADS = "put the key back behind the others in PAYLOAD_KEYS; without it what it sealed is lost"
_CHAINS = "put the key back behind the others in CHAIN_KEYS; they are kept for good"


async def look(settings: Settings) -> Findings:
    try:
        pool = database.connect(settings.database, pool_size=2)
    except SettingsProblem:
        return  # the database's check says so
    sessions = database.session_factory(pool, rows=settings.row_keys)
    try:
        async for finding in _rows(sessions, {name for name, _ in settings.payload_keys.keys}):
            yield finding
        async for finding in _opens(sessions, settings):
            yield finding
        async for finding in _chains(sessions, {name for name, _ in settings.chain_keys.keys}):
            yield finding
    except (DBAPIError, OSError) as error:
        said = first_line(error.orig or error) if isinstance(error, DBAPIError) else first_line(error)
        yield wrong("keys", f"no row can be read: {said}", "mend the database first")
    finally:
        await pool.dispose()
    async for finding in _histories(settings):
        yield finding


async def _rows(sessions: Sessions, known: set[str]) -> Findings:
    async with sessions() as session:
        used = await rows_by_key(session)
    for name in sorted(used.keys() - known):
        yield wrong(
            "payload keys", f"{used[name].total()} values are sealed with {name}, which is not given", _PAYLOADS
        )
    if used.keys() <= known:
        yield ok("payload keys", f"all of the {len(used)} that rows are sealed with are given")


async def _opens(sessions: Sessions, settings: Settings) -> Findings:
    """Of each table a page: a key can have the right name and the wrong bytes."""
    looked_at, faults = 0, 0
    for table in sealed_tables():
        async with sessions() as session:
            page = await sealed_rows(session, table)
        looked_at += len(page.rows)
        faults += sum(len(list(row.faults(settings.row_keys))) for row in page.rows)
    if faults:
        todo = "`python -m ops.unreadable` says what and why; a key of PAYLOAD_KEYS may have other bytes than before"
        yield wrong("payload keys", f"{faults} values of the {looked_at} rows looked at do not open", todo)
    else:
        yield ok("payload keys", f"the first {looked_at} sealed rows open")


async def _chains(sessions: Sessions, known: set[str]) -> Findings:
    async with sessions() as session:
        used = await signing_keys(session)
    for name in sorted(used - known):
        yield wrong("chain keys", f"facts, anchors or lines of access are signed with {name}, not given", _CHAINS)
    if used <= known:
        yield ok("chain keys", f"all of the {len(used)} that something is signed with are given")


async def _histories(settings: Settings) -> Findings:
    try:
        client = await connect(settings.engine, data_converter=data_converter(settings.payload_keys))
    except EngineUnreachable:
        return  # the engine's check says so
    known = {name for name, _ in settings.payload_keys.keys}
    used, runs = set[str](), 0
    try:
        async with asyncio.timeout(_HISTORIES_WITHIN):
            async for run in client.list_workflows(limit=_RUNS, rpc_timeout=_CALL):
                history = client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history_events(page_size=20)
                async for event in history:
                    used.update(key_ids(event))
                runs += 1
    except TimeoutError:
        pass  # what was seen until then is told
    except RPCError as error:
        yield warning("payload keys", f"the engine shows no histories ({error.message})", "see the engine's own check")
        return
    for name in sorted(used - known):
        yield wrong("payload keys", f"histories in the engine are sealed with {name}, which is not given", _PAYLOADS)
    if used <= known:
        yield ok("payload keys", f"the histories of the {runs} runs looked at need no other")
