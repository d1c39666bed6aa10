"""The engine's histories: the keys that a sample of them needs are given, and open what they sealed.

Keys follow one another in time, and some runs are years old. So the sample has, of each type of workflow, running and
ended, the newest and the oldest run that began within each span of time. To read all would be an hour's work.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError, RPCStatusCode

from engine.codec import ENCODING, DecryptionFailed, EncryptionCodec, PayloadKeys, UnknownKey
from engine.key_use import key_ids, payloads_of
from ops.doctor.findings import Findings, ok, warning, wrong

PUT_BACK = "put the key back behind the others in PAYLOAD_KEYS; without it what it sealed is lost"
_ALL = "`python -m ops.encryption_keys list` reads all of them, for as long as it takes"
_BEGAN = tuple(timedelta(days=ago) for ago in (365, 90, 30, 7, 1))  # where one span ends, and the next begins
_PAGE = 1000  # runs of a span, the newest of them: among these the oldest is looked for
_WITHIN = 6.0  # seconds
_CALL = timedelta(seconds=5)


@dataclass
class _Seen:
    """``kept``: runs whose histories the engine has. ``needed``: in how many of those ``looked_at``, by the key's id.
    ``open``: keys that opened something."""

    kept: int = 0
    looked_at: int = 0
    needed: Counter[str] = field(default_factory=Counter)
    open: set[str] = field(default_factory=set)


async def look(client: Client, keys: PayloadKeys) -> Findings:
    seen, how, failed = _Seen(), "of each type and age the newest and the oldest", ""
    try:
        async with asyncio.timeout(_WITHIN):
            seen.kept = (await client.count_workflows(rpc_timeout=_CALL)).count
            async for run in sample(client, now=datetime.now(UTC)):
                await _read(client, run, keys, seen)
    except TimeoutError:
        how = f"then {_WITHIN:.0f} s were over: {_ALL}"
    except RPCError as error:
        failed = error.message
    kept = max(seen.kept, seen.looked_at)  # what was counted may be a second old
    those = f"the {seen.looked_at} histories looked at, of {kept} that are kept,"
    known = {name for name, _ in keys.keys}
    for name, number in sorted(seen.needed.items()):
        if name not in known:
            yield wrong("payload keys", f"{number} of {those} are sealed with {name}, which is not given", PUT_BACK)
        elif name not in seen.open:
            said = f"{number} of {those} are sealed with {name}, by which nothing in them opens"
            yield wrong("payload keys", said, f"give {name} the bytes that it had; what it sealed cannot be read else")
    if failed:
        said = f"the engine showed {seen.looked_at} histories, and then no more ({failed})"
        yield warning("payload keys", said, "see the engine's own check")
    elif kept and not seen.looked_at:
        yield warning("payload keys", f"none of {kept} histories was read within {_WITHIN:.0f} s", _ALL)
    elif seen.needed.keys() <= known & seen.open:
        yield ok("payload keys", f"{those} open with those given ({how})")


async def sample(client: Client, *, now: datetime) -> AsyncIterator[WorkflowExecution]:
    """Those that run come first, and of them the oldest: what only they need may have been taken out since."""
    for state in ("ExecutionStatus = 'Running'", "ExecutionStatus != 'Running'"):
        for span in _spans(now):
            of_type: dict[str, list[WorkflowExecution]] = {}
            async for run in client.list_workflows(f"{state}{span}", limit=_PAGE, rpc_timeout=_CALL):
                of_type.setdefault(run.workflow_type, []).append(run)
            for runs in of_type.values():
                runs.sort(key=lambda run: run.start_time)
                for run in runs[:1] + runs[1:][-1:]:
                    yield run


def _spans(now: datetime) -> Iterator[str]:
    """Conditions, the oldest first."""
    for since, until in pairwise((None, *((now - ago).isoformat() for ago in _BEGAN), None)):
        first = f" AND StartTime >= '{since}'" if since else ""
        yield first + (f" AND StartTime < '{until}'" if until else "")


async def _read(client: Client, run: WorkflowExecution, keys: PayloadKeys, seen: _Seen) -> None:
    codec, needed = EncryptionCodec(keys), set[str]()
    try:
        async for event in client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history_events():
            for payload in payloads_of(event):
                if payload.metadata.get("encoding") != ENCODING:
                    continue
                [name] = key_ids(payload)
                needed.add(name)
                try:
                    await codec.decode([payload])
                    seen.open.add(name)
                except (UnknownKey, DecryptionFailed):
                    pass  # somebody can send anything: a key is wrong by which nothing opens at all
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return  # it went while others were read
    seen.looked_at += 1
    seen.needed.update(needed)
