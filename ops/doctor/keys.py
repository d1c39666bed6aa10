"""The keys: each that something in the database or in the engine was sealed or signed with is among the settings."""

from collections import Counter
from collections.abc import Iterator, Mapping

from sqlalchemy.exc import DBAPIError

from config import Settings, SettingsProblem
from engine.codec import data_converter
from engine.connect import EngineUnreachable, connect
from models import database
from models.database import Sessions
from models.reads.keeping.encryption_keys import rows_by_key
from models.reads.keeping.sealed_rows import sealed_rows, sealed_tables
from models.reads.keeping.signing_keys import signing_keys
from ops.doctor import histories
from ops.doctor.findings import Finding, Findings, first_line, ok, wrong

_CHAINS = "put the key back behind the others in CHAIN_KEYS; they are kept for good"


async def look(settings: Settings) -> Findings:
    try:
        pool = database.connect(settings.database, pool_size=2)
    except SettingsProblem:
        return  # the database's check says so
    sessions = database.session_factory(pool, rows=settings.row_keys)
    try:
        async with sessions() as session:
            used = await rows_by_key(session)
        for finding in _rows(used, {name for name, _ in settings.payload_keys.keys}):
            yield finding
        yield await _opens(sessions, settings, sealed=sum(values.total() for values in used.values()))
        async for finding in _chains(sessions, {name for name, _ in settings.chain_keys.keys}):
            yield finding
    except (DBAPIError, OSError) as error:
        said = first_line(error.orig or error) if isinstance(error, DBAPIError) else first_line(error)
        yield wrong("keys", f"no row can be read: {said}", "mend the database first")
    finally:
        await pool.dispose()
    try:
        client = await connect(settings.engine, data_converter=data_converter(settings.payload_keys))
    except EngineUnreachable:
        return  # the engine's check says so
    async for finding in histories.look(client, settings.payload_keys):
        yield finding


def _rows(used: Mapping[str, Counter[str]], known: set[str]) -> Iterator[Finding]:
    for name in sorted(used.keys() - known):
        said = f"{used[name].total()} values are sealed with {name}, which is not given"
        yield wrong("payload keys", said, histories.PUT_BACK)
    if used.keys() <= known:
        yield ok("payload keys", f"all of the {len(used)} that rows are sealed with are given")


async def _opens(sessions: Sessions, settings: Settings, *, sealed: int) -> Finding:
    """Of each table a page: a key can have the right name and the wrong bytes. ``sealed``: values, all in all."""
    looked_at, faults = 0, 0
    for table in sealed_tables():
        async with sessions() as session:
            page = await sealed_rows(session, table)
        looked_at += sum(len(row.columns) for row in page.rows)
        faults += sum(len(list(row.faults(settings.row_keys))) for row in page.rows)
    those = f"the {looked_at} values looked at, of {max(sealed, looked_at)} that are sealed,"
    if faults:
        todo = "`python -m ops.unreadable` looks at all, and says why; a key may have other bytes than before"
        return wrong("payload keys", f"{faults} of {those} do not open", todo)
    return ok("payload keys", f"{those} open")


async def _chains(sessions: Sessions, known: set[str]) -> Findings:
    async with sessions() as session:
        used = await signing_keys(session)
    for name in sorted(used - known):
        yield wrong("chain keys", f"facts, anchors or lines of access are signed with {name}, not given", _CHAINS)
    if used <= known:
        yield ok("chain keys", f"all of the {len(used)} that something is signed with are given")
