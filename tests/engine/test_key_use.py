"""Which keys a history needs: by every payload in it, wherever it stands."""

from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.history.v1 import HistoryEvent

from engine.codec import EncryptionCodec, PayloadKeys
from engine.key_use import key_ids

OLD, NEW = ("old", b"o" * 32), ("new", b"n" * 32)
PLAIN = Payload(metadata={"encoding": b"json/plain"}, data=b"1")


async def test_every_encrypted_payload_names_its_key() -> None:
    [first] = await EncryptionCodec(PayloadKeys((OLD,))).encode([PLAIN])
    [second] = await EncryptionCodec(PayloadKeys((NEW, OLD))).encode([PLAIN])
    started = HistoryEvent()
    started.workflow_execution_started_event_attributes.input.CopyFrom(Payloads(payloads=[first, PLAIN]))
    started.workflow_execution_started_event_attributes.memo.fields["about"].CopyFrom(second)
    assert sorted(key_ids(started)) == ["new", "old"]
    assert list(key_ids(HistoryEvent())) == []
    failed = HistoryEvent()
    failed.workflow_execution_failed_event_attributes.failure.cause.encoded_attributes.CopyFrom(first)
    assert list(key_ids(failed)) == ["old"]
