"""With which keys the engine's histories were encrypted: every payload names its own."""

from collections import Counter
from collections.abc import Iterable, Iterator

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from engine.codec import ENCODING


async def workflows_by_key(client: Client) -> Counter[str] | None:
    """For each key's id, in how many runs it is needed, of all that the engine still keeps. None where nothing can be
    listed. Reads every history: an hour's work for a hundred thousand of them."""
    found: Counter[str] = Counter()
    try:
        async for run in client.list_workflows():
            history = client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history_events()
            found.update({key async for event in history for key in key_ids(event)})
    except RPCError as error:
        if error.status is RPCStatusCode.UNIMPLEMENTED:
            return None
        raise
    return found


def key_ids(message: Message) -> Iterator[str]:
    """Of every encrypted payload in it, however deep."""
    for payload in payloads_of(message):
        if payload.metadata.get("encoding") == ENCODING:
            yield payload.metadata.get("key-id", b"").decode(errors="replace")


def payloads_of(message: Message) -> Iterator[Payload]:
    """Every payload in it."""
    if isinstance(message, Payload):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in _messages(value):
                yield from payloads_of(part)


def _messages(value: object) -> Iterable[Message]:
    if isinstance(value, Message):
        return (value,)
    parts: Iterable[object] = value.values() if hasattr(value, "values") else value  # type: ignore[assignment]
    return (part for part in parts if isinstance(part, Message))
