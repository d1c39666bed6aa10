"""What the engine keeps is encrypted, keys can be rotated, and a wrong key says which one is missing."""

import base64
import os
import tracemalloc
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError

from engine.codec import (
    ENCODING,
    MOST_UNPACKED,
    DecryptionFailed,
    EncryptionCodec,
    InvalidKeys,
    PayloadKeys,
    UnknownKey,
    data_converter,
    decrypt_bytes,
    encrypt_bytes,
)

OLD = ("2025", b"o" * 32)
NEW = ("2026", b"n" * 32)


@dataclass(frozen=True)
class Story:
    text: str
    at: datetime


STORY = Story("sleeps badly since May", datetime(2026, 3, 1, 9, 30, tzinfo=UTC))


def encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()


async def test_a_value_comes_back_and_cannot_be_read_on_the_way() -> None:
    converter = data_converter(PayloadKeys((NEW,)))
    (payload,) = await converter.encode([STORY])
    assert payload.metadata["encoding"] == b"binary/encrypted"
    assert payload.metadata["key-id"] == b"2026"
    assert b"sleeps" not in payload.SerializeToString()
    assert await converter.decode([payload], [Story]) == [STORY]


async def test_the_same_value_never_looks_the_same() -> None:
    converter = data_converter(PayloadKeys((NEW,)))
    first, second = await converter.encode([STORY, STORY])
    assert first.data != second.data


async def test_after_a_rotation_the_new_key_encrypts_and_both_decrypt() -> None:
    before = data_converter(PayloadKeys((OLD,)))
    after = data_converter(PayloadKeys((NEW, OLD)))
    (kept,) = await before.encode([STORY])
    (fresh,) = await after.encode([STORY])
    assert fresh.metadata["key-id"] == b"2026"
    assert await after.decode([kept, fresh], [Story, Story]) == [STORY, STORY]


async def test_an_unknown_key_is_named() -> None:
    (payload,) = await data_converter(PayloadKeys((OLD,))).encode([STORY])
    with pytest.raises(UnknownKey, match="'2025'"):
        await EncryptionCodec(PayloadKeys((NEW,))).decode([payload])


@pytest.mark.parametrize("harm", ["flip", "cut", "other key id", "wrong key"])
async def test_what_was_changed_does_not_open(harm: str) -> None:
    keys = PayloadKeys((NEW, OLD))
    (payload,) = await EncryptionCodec(keys).encode([Payload(data=b"secret")])
    if harm == "flip":
        payload.data = payload.data[:-1] + bytes([payload.data[-1] ^ 1])
    elif harm == "cut":
        payload.data = payload.data[:5]
    elif harm == "other key id":
        payload.metadata["key-id"] = b"2025"
    else:
        keys = PayloadKeys((("2026", b"x" * 32),))
    with pytest.raises(DecryptionFailed):
        await EncryptionCodec(keys).decode([payload])


# ---------------------------------------------------------------- packed


def sealed(plain: bytes, keys: PayloadKeys) -> Payload:
    """A payload of whoever has the key, whatever is in it."""
    key_id, key = keys.current
    nonce = bytes(12)
    data = nonce + AESGCM(key).encrypt(nonce, plain, key_id.encode() + b"\0")
    return Payload(metadata={"encoding": ENCODING, "key-id": key_id.encode()}, data=data)


def packed(plain: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return b"\0" + packer.compress(plain) + packer.flush()


async def test_what_repeats_itself_is_short_and_nothing_becomes_longer() -> None:
    codec = EncryptionCodec(PayloadKeys((NEW,)))
    facts = Payload(metadata={"encoding": b"json/plain"}, data=b'{"status": "scheduled", "payment": null}' * 50)
    noise = Payload(data=os.urandom(500))
    empty = Payload()
    kept = await codec.encode([facts, noise, empty])
    assert await codec.decode(kept) == [facts, noise, empty]
    short, long, least = (len(one.data) for one in kept)
    assert short < 200
    assert long == noise.ByteSize() + 12 + 16  # the nonce, and the tag
    assert least == 12 + 16


async def test_what_was_encrypted_before_anything_was_packed_opens() -> None:
    keys = PayloadKeys((NEW,))
    plain = Payload(metadata={"encoding": b"json/plain"}, data=b"[1]" * 100)
    assert await EncryptionCodec(keys).decode([sealed(plain.SerializeToString(), keys)]) == [plain]


@pytest.mark.parametrize("many", [1, 40])
async def test_a_few_bytes_do_not_unpack_to_all_memory(many: int) -> None:
    """One payload that would be too large, or many that would be together."""
    keys = PayloadKeys((NEW,))
    size = 64 * MOST_UNPACKED if many == 1 else MOST_UNPACKED // 8
    bombs = [sealed(packed(Payload(data=bytes(size)).SerializeToString()), keys)] * many
    tracemalloc.start()
    try:
        with pytest.raises(DecryptionFailed, match=f"more than {MOST_UNPACKED} bytes"):
            await EncryptionCodec(keys).decode(bombs)
        left = await EncryptionCodec(keys, forgiving=True).decode(bombs)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert left[-1] == bombs[-1]
    assert peak < 6 * MOST_UNPACKED


async def test_whatever_is_encrypted_can_be_opened_however_large() -> None:
    codec = EncryptionCodec(PayloadKeys((NEW,)))
    large = [Payload(data=bytes(MOST_UNPACKED)), *[Payload(data=bytes(MOST_UNPACKED // 3))] * 4]
    kept = await codec.encode(large)
    assert await codec.decode(kept) == large
    assert [len(one.data) < MOST_UNPACKED // 100 for one in kept] == [False, True, True, False, False]


@pytest.mark.parametrize("plain", [b"\0", b"\0nothing packed", packed(b"")[:-1], packed(b"\x12\x01a") + b"a"])
async def test_what_was_not_packed_by_this_product_is_refused(plain: bytes) -> None:
    keys = PayloadKeys((NEW,))
    with pytest.raises(DecryptionFailed, match="cannot be unpacked"):
        await EncryptionCodec(keys).decode([sealed(plain, keys)])


async def test_what_was_typed_by_hand_in_the_clear_is_left_as_it_is() -> None:
    plain = Payload(metadata={"encoding": b"json/plain"}, data=b'{"reason": "moved away"}')
    assert await EncryptionCodec(PayloadKeys((NEW,))).decode([plain]) == [plain]


async def test_failure_messages_are_encrypted_too() -> None:
    converter = data_converter(PayloadKeys((NEW,)))
    failure = Failure()
    await converter.encode_failure(ApplicationError("no answer from Sara", type="Silent"), failure)
    assert b"Sara" not in failure.SerializeToString()
    told = await converter.decode_failure(failure)
    assert isinstance(told, ApplicationError)
    assert told.message == "no answer from Sara"


def test_bytes_come_back_in_their_own_context_only() -> None:
    keys = PayloadKeys((NEW, OLD))
    stored = encrypt_bytes(PayloadKeys((OLD,)), b"answers", context=b"form:1")
    assert b"answers" not in stored
    assert decrypt_bytes(keys, stored, context=b"form:1") == b"answers"
    with pytest.raises(DecryptionFailed):
        decrypt_bytes(keys, stored, context=b"form:2")
    with pytest.raises(UnknownKey, match="'2025'"):
        decrypt_bytes(PayloadKeys((NEW,)), stored, context=b"form:1")
    for broken in (b"", b"cj", b"cj1", b"cj1\xff", b"answers"):
        with pytest.raises(DecryptionFailed):
            decrypt_bytes(keys, broken)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "at least one key"),
        ("2026", "entry 1 is not"),
        (f"a:{encoded(b'k' * 32)},:abc", "entry 2 is not"),
        ("a:not base64!", "'a' is not base64"),
        (f"a:{encoded(b'k' * 16)}", "'a' has 16 bytes, not 32"),
        (f"a:{encoded(b'k' * 32)},a:{encoded(b'l' * 32)}", "'a' is given twice"),
    ],
)
def test_a_list_of_keys_that_cannot_be_used_says_which_entry(text: str, says: str) -> None:
    with pytest.raises(InvalidKeys, match=says) as told:
        PayloadKeys.parse(text)
    assert encoded(b"k" * 32) not in str(told.value)


def test_keys_are_read_in_order_and_never_shown() -> None:
    web_safe = base64.urlsafe_b64encode(b"\xff" * 32).decode()
    keys = PayloadKeys.parse(f" new:{encoded(b'n' * 32)} , old:{web_safe}")
    assert [key_id for key_id, _ in keys.keys] == ["new", "old"]
    assert keys.current == ("new", b"n" * 32)
    assert "n" * 32 not in repr(keys)
    assert encoded(b"n" * 32) not in repr(keys)


def test_derived_keys_differ_by_purpose_and_by_key() -> None:
    keys = PayloadKeys((NEW,))
    found = {keys.derive("links"), keys.derive("other"), PayloadKeys((OLD,)).derive("links"), NEW[1]}
    assert len(found) == 4
    assert keys.derive("links") == PayloadKeys((NEW, OLD)).derive("links")
