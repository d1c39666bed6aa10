"""Encryption of what the engine keeps: AES-256-GCM with named keys that can be rotated, of what is packed before.

The first key encrypts, every key decrypts. To rotate, put a new key in front and keep the old ones for as
long as histories written with them are kept. Ids, type names and search attributes are never encrypted by the
engine, so they hold opaque values only.
"""

import base64
import binascii
import hmac
import os
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError
from pydantic import TypeAdapter, ValidationError
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
    PayloadCodec,
)

from engine.failures import ReadableRefusals

ENCODING = b"binary/encrypted"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_MAGIC = b"cj1"  # the layout of encrypt_bytes, so that it may change one day
_PACKED = b"\0"  # before what is packed: no message of protobuf begins like that
_BARE = -zlib.MAX_WBITS  # without a checksum: what is sealed needs none
MOST_UNPACKED = 4 * 1024 * 1024
"""Bytes, of all payloads together that are read at once: as much as one message of the engine holds."""


class InvalidKeys(ValueError):
    """A list of keys that cannot be used; the message names the entry and never the key."""


class UnknownKey(ValueError):
    """Something was encrypted with a key that is not among those given."""


class PayloadMismatch(ValueError):
    """A payload is not of the type that its reader expects; the message names the fields and never the values."""


class DecryptionFailed(ValueError):
    """The bytes were changed, or belong to another context or key."""


@dataclass(frozen=True)
class PayloadKeys:
    """Keys by id: the first encrypts, all decrypt. Never shown when printed."""

    keys: tuple[tuple[str, bytes], ...] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.keys:
            raise InvalidKeys("at least one key is needed, as id:base64(32 bytes)")
        seen: set[str] = set()
        for key_id, key in self.keys:
            if not key_id or not key_id.isascii() or len(key_id) > 100:
                raise InvalidKeys("a key's id is 1 to 100 plain characters")
            if key_id in seen:
                raise InvalidKeys(f"the key id {key_id!r} is given twice")
            if len(key) != _KEY_BYTES:
                raise InvalidKeys(f"the key {key_id!r} has {len(key)} bytes, not {_KEY_BYTES}")
            seen.add(key_id)

    @classmethod
    def parse(cls, text: str) -> "PayloadKeys":
        """Read ``id:base64,id:base64``. Raises InvalidKeys naming the entry that is wrong."""
        entries = []
        for number, entry in enumerate((part.strip() for part in text.split(",") if part.strip()), start=1):
            key_id, colon, encoded = entry.partition(":")
            if not colon or not key_id.strip():
                raise InvalidKeys(f"entry {number} is not id:base64(32 bytes)")
            try:
                key = base64.b64decode(encoded.strip().replace("-", "+").replace("_", "/"), validate=True)
            except (binascii.Error, ValueError):
                raise InvalidKeys(f"the key {key_id.strip()!r} is not base64") from None
            entries.append((key_id.strip(), key))
        return cls(tuple(entries))

    @property
    def current(self) -> tuple[str, bytes]:
        return self.keys[0]

    def derive(self, purpose: str) -> bytes:
        """32 bytes for another use (such as signing links), which tell nothing about the current key."""
        return self.derive_all(purpose)[0]

    def derive_all(self, purpose: str) -> tuple[bytes, ...]:
        """The same of every key, the current one first: for what must still be read after a change of keys."""
        return tuple(hmac.digest(key, f"care-journeys {purpose}".encode(), "sha256") for _, key in self.keys)

    def find(self, key_id: str) -> bytes:
        for known, key in self.keys:
            if known == key_id:
                return key
        raise UnknownKey(f"This was encrypted with the key {key_id!r}, which is not among the PAYLOAD_KEYS.")


def _seal(keys: PayloadKeys, plain: bytes, context: bytes) -> tuple[str, bytes]:
    key_id, key = keys.current
    nonce = os.urandom(_NONCE_BYTES)
    return key_id, nonce + AESGCM(key).encrypt(nonce, plain, key_id.encode() + b"\0" + context)


def _open(keys: PayloadKeys, key_id: str, sealed: bytes, context: bytes) -> bytes:
    key = keys.find(key_id)
    try:
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        return AESGCM(key).decrypt(nonce, text, key_id.encode() + b"\0" + context)
    except (InvalidTag, ValueError):
        raise DecryptionFailed(f"This does not open with the key {key_id!r}: it was changed or cut.") from None


def encrypt_bytes(keys: PayloadKeys, plain: bytes, *, context: bytes = b"") -> bytes:
    """Encrypt with the current key. The same ``context`` (such as a row's id) is needed to decrypt."""
    key_id, sealed = _seal(keys, plain, context)
    name = key_id.encode()
    return _MAGIC + bytes([len(name)]) + name + sealed


def decrypt_bytes(keys: PayloadKeys, stored: bytes, *, context: bytes = b"") -> bytes:
    """What encrypt_bytes was given. Raises UnknownKey or DecryptionFailed."""
    start = len(_MAGIC) + 1
    end = start + stored[len(_MAGIC)] if len(stored) >= start else start
    if stored[: len(_MAGIC)] != _MAGIC or len(stored) < end + _NONCE_BYTES:
        raise DecryptionFailed("These bytes were not encrypted by this product.")
    return _open(keys, stored[start:end].decode(errors="replace"), stored[end:], context)


@dataclass
class _Packing:
    """Packs and unpacks the payloads of one batch, within one bound: a few bytes can unpack to a thousand times more.

    What would not become shorter, or be too much to unpack, stays as it is.
    """

    room: int = MOST_UNPACKED

    def pack(self, plain: bytes) -> bytes:
        if len(plain) > self.room:
            return plain
        packer = zlib.compressobj(wbits=_BARE)
        packed = _PACKED + packer.compress(plain) + packer.flush()
        if len(packed) >= len(plain):
            return plain
        self.room -= len(plain)
        return packed

    def unpack(self, stored: bytes) -> bytes:
        """Raises DecryptionFailed."""
        if not stored.startswith(_PACKED):
            return stored
        unpacker = zlib.decompressobj(_BARE)
        try:
            plain = unpacker.decompress(stored[len(_PACKED) :], self.room + 1)
        except zlib.error:
            raise DecryptionFailed("What was encrypted cannot be unpacked.") from None
        if len(plain) > self.room:
            raise DecryptionFailed(f"What was encrypted unpacks to more than {MOST_UNPACKED} bytes.")
        if not unpacker.eof or unpacker.unused_data:
            raise DecryptionFailed("What was encrypted cannot be unpacked.")
        self.room -= len(plain)
        return plain


class EncryptionCodec(PayloadCodec):
    """Packs and encrypts every payload; leaves what is not encrypted as it is when decoding.

    ``forgiving``: so is what was changed or cut. One such signal would otherwise stop a workflow for good; like this
    it is dropped as any other that cannot be read. An unknown key still raises: the engine tries again until a worker
    has it, so that nothing is lost while keys are rotated.
    """

    def __init__(self, keys: PayloadKeys, *, forgiving: bool = False) -> None:
        self._keys = keys
        self._forgiving = forgiving

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        packing = _Packing()
        return [self._encrypted(payload, packing) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return list(self._decrypted(payloads))

    def _encrypted(self, payload: Payload, packing: _Packing) -> Payload:
        key_id, sealed = _seal(self._keys, packing.pack(payload.SerializeToString()), b"")
        return Payload(metadata={"encoding": ENCODING, "key-id": key_id.encode()}, data=sealed)

    def _decrypted(self, payloads: Iterable[Payload]) -> Iterable[Payload]:
        packing = _Packing()
        for payload in payloads:
            if payload.metadata.get("encoding") != ENCODING:
                yield payload  # a signal typed by hand in the UI or the CLI comes in the clear
                continue
            try:
                yield self._opened(payload, packing)
            except DecryptionFailed:
                if not self._forgiving:
                    raise
                yield payload

    def _opened(self, payload: Payload, packing: _Packing) -> Payload:
        key_id = payload.metadata.get("key-id", b"").decode(errors="replace")
        if not key_id:
            raise DecryptionFailed("This does not say with which key it was encrypted.")
        plain = packing.unpack(_open(self._keys, key_id, payload.data, b""))
        try:
            return Payload.FromString(plain)
        except DecodeError:
            raise DecryptionFailed("What was encrypted is not a payload.") from None


@cache
def _adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint)


class _Json(PydanticJSONPlainPayloadConverter):
    """Reads payloads with one reader per type for the whole process.

    The SDK keeps its readers with the converter, and makes a converter for every workflow run: building the readers
    of our messages anew took an eighth of a busy worker's time.
    """

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        try:
            return _adapter(type_hint if type_hint is not None else Any).validate_json(payload.data)
        except ValidationError as error:
            # What was sent stays out of the message: it reaches logs, and failures in the engine.
            flaws = error.errors(include_input=False, include_url=False, include_context=False)
            where = "; ".join(f"{'.'.join(map(str, flaw['loc'])) or 'value'}: {flaw['msg']}" for flaw in flaws)
            raise PayloadMismatch(f"not what was expected: {where}") from None


class JourneyPayloads(CompositePayloadConverter):
    """The SDK's own converters, with `_Json` in the place of its reader of JSON.

    Where nobody says what is expected, what nobody can read stays as it came: a message that a person typed must reach
    whoever can refuse it in words.
    """

    def __init__(self) -> None:
        converters = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(*(_Json() if isinstance(c, JSONPlainPayloadConverter) else c for c in converters))

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[type] | None = None) -> list[Any]:
        if any(hint is not None for hint in type_hints or ()):
            return super().from_payloads(payloads, type_hints)
        return [self._read_or_raw(payload) for payload in payloads]

    def _read_or_raw(self, payload: Payload) -> Any:
        try:
            return super().from_payloads([payload])[0]
        except Exception:  # noqa: BLE001 - each kind of payload has errors of its own, and a person may send any
            return RawValue(payload)


def data_converter(keys: PayloadKeys) -> DataConverter:
    """Pydantic and dataclass payloads, encrypted, failure messages included."""
    return DataConverter(
        payload_converter_class=JourneyPayloads,
        payload_codec=EncryptionCodec(keys, forgiving=True),
        failure_converter_class=ReadableRefusals,
    )
