"""Encryption at rest of what people wrote: AES-256-GCM with named keys, and the row as context (associated data).

What is sealed begins with the id of its key, so that the database itself can count which keys are still needed. It
opens in its own row and column alone: two rows that change places are found.
"""

import hmac
import json
import os
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import LargeBinary
from sqlalchemy.types import TypeDecorator

MAGIC = b"cr1"  # the layout of what is sealed, so that it may change one day
_KEYS = "row keys"  # where a session keeps them
_PURPOSE = b"care-journeys rows"
_NONCE_BYTES = 12


class UnknownRowKey(LookupError):
    """A row was sealed with a key that is not among the PAYLOAD_KEYS; the message names the key and the row."""


class NotOfThisRow(ValueError):
    """What stands here was sealed for another row or column, or was changed; the message names the row."""


class NotSealed(ValueError):
    """A value was about to be written in the clear, or read as if it had been."""


@dataclass(frozen=True, kw_only=True)
class RowPlace:
    """The row and the column that something is sealed for."""

    table: str
    column: str
    row: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column} of {self.row}"

    def context(self, key_id: str) -> bytes:
        return json.dumps([key_id, self.table, self.column, self.row]).encode()


@dataclass(frozen=True)
class RowKeys:
    """Keys for rows, by id: the first seals, all open. They follow from the PAYLOAD_KEYS, and open no payload of the
    engine's. Never shown when printed."""

    keys: tuple[tuple[str, bytes], ...] = field(repr=False)

    @property
    def current(self) -> str:
        """The id of the key that seals."""
        return self.keys[0][0]

    def seal(self, plain: bytes, place: RowPlace) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self.current].encrypt(nonce, plain, place.context(self.current))
        return prefix_of(self.current) + nonce + sealed

    def open(self, sealed: bytes, place: RowPlace) -> bytes:
        """Raises UnknownRowKey and NotOfThisRow."""
        key_id = key_of(sealed, place)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise UnknownRowKey(f"{place} is sealed with the key {key_id!r}, which is not among the PAYLOAD_KEYS")
        start = len(prefix_of(key_id))
        nonce, text = sealed[start : start + _NONCE_BYTES], sealed[start + _NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, text, place.context(key_id))
        except (InvalidTag, ValueError):
            raise NotOfThisRow(f"{place} was changed, or is another row's") from None

    @cached_property
    def _ciphers(self) -> dict[str, AESGCM]:
        return {name: AESGCM(hmac.digest(key, _PURPOSE, "sha256")) for name, key in self.keys}


def prefix_of(key_id: str) -> bytes:
    """How everything begins that is sealed with this key."""
    name = key_id.encode()
    return MAGIC + bytes([len(name)]) + name


def key_of(sealed: bytes, place: RowPlace) -> str:
    """The id of the key. Raises NotOfThisRow for what was never sealed."""
    start = len(MAGIC) + 1
    if sealed[: len(MAGIC)] != MAGIC or len(sealed) < start or len(sealed) < start + sealed[start - 1]:
        raise NotOfThisRow(f"{place} was never sealed by this product")
    return sealed[start : start + sealed[start - 1]].decode(errors="replace")


def keep_keys(info: dict[Any, Any], keys: RowKeys | None) -> dict[Any, Any]:
    """What a session has about it, with the keys of rows."""
    return {**info, _KEYS: keys}


def keys_of(info: dict[Any, Any]) -> RowKeys:
    """Raises LookupError for a session that has none."""
    keys: RowKeys | None = info.get(_KEYS)
    if keys is None:
        raise LookupError("these sessions were made without PAYLOAD_KEYS")
    return keys


# ---------------------------------------------------------------- columns


class Ciphertext(bytes):
    """What stands in a sealed column. A query for whole rows opens it; one for the column alone gets it as it is."""

    __slots__ = ()


UNREADABLE = "This cannot be read: it was changed, or the key that it was sealed with is missing."


class Unreadable:
    """What stands for a value that does not open, where nothing but looking is done: it says so in words. It is never
    written: nobody seals it, and a row keeps what stands in its place."""


class UnreadableText(Unreadable, str):
    __slots__ = ()


class UnreadableMap(Unreadable, dict[str, Any]):
    """Whatever is looked for in it."""

    def __missing__(self, key: str) -> str:
        return UNREADABLE


class Placed:
    """A value on its way into a row, as the subclass of its type: equal to it, and knowing its place and what seals it.
    Written into another row, it has another place."""

    place: RowPlace
    seal: Callable[[bytes], bytes]


class _PlacedText(Placed, str):
    __slots__ = ("place", "seal")


class _PlacedMap(Placed, dict[str, Any]):
    __slots__ = ("place", "seal")


class _PlacedBytes(Placed, bytes):
    pass


class Sealed(TypeDecorator[Any]):
    """A column whose values are sealed: encrypted when they are written, opened when their row is read."""

    impl = LargeBinary
    cache_ok = True
    placed: type[Any]
    with_row = True  # opened as soon as its row is read

    def unreadable(self) -> Any:
        """What whoever only looks is shown instead of a value that does not open; None where nothing can be."""
        return None

    @abstractmethod
    def to_bytes(self, value: Any) -> bytes:
        """What is encrypted of a value."""

    @abstractmethod
    def from_bytes(self, plain: bytes) -> Any:
        """The value again."""

    def process_bind_param(self, value: Any, dialect: object) -> bytes | None:  # noqa: ARG002 - the library's signature
        """Raises NotSealed for what would be written in the clear: a statement that names no row cannot seal."""
        if value is None or isinstance(value, Ciphertext):
            return value
        if not isinstance(value, Placed):
            raise NotSealed("this value was not sealed for its row: write the whole row, or use `sealed_values`")
        return value.seal(self.to_bytes(value))

    def process_result_value(self, value: Any, dialect: object) -> Ciphertext | None:  # noqa: ARG002 - likewise
        return None if value is None else Ciphertext(value)


class SealedText(Sealed):
    """Words that somebody wrote."""

    cache_ok = True
    placed = _PlacedText

    def to_bytes(self, value: str) -> bytes:
        return value.encode()

    def from_bytes(self, plain: bytes) -> str:
        return plain.decode()

    def unreadable(self) -> UnreadableText:
        return UnreadableText(UNREADABLE)


class SealedSecret(SealedText):
    """A secret of the product's own, opened where it is needed alone: a row whose key is lost can still be read."""

    cache_ok = True
    with_row = False


class SealedDocument(Sealed):
    """A JSON object."""

    cache_ok = True
    placed = _PlacedMap

    def to_bytes(self, value: dict[str, Any]) -> bytes:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

    def from_bytes(self, plain: bytes) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(plain)
        return document

    def unreadable(self) -> UnreadableMap:
        return UnreadableMap(unreadable=UNREADABLE)


class SealedBytes(Sealed):
    """Nothing can be shown instead of one that does not open: no bytes at all would be taken for what was there."""

    cache_ok = True
    placed = _PlacedBytes

    def to_bytes(self, value: bytes) -> bytes:
        return value

    def from_bytes(self, plain: bytes) -> bytes:
        return plain


class SealedAside(SealedBytes):
    """What hardly anybody needs of its row: opened where it is needed alone."""

    cache_ok = True
    with_row = False


def place(kind: Sealed, value: Any, where: RowPlace, keys: RowKeys) -> Any:
    """The value, equal to what it was, and ready to be written into this place."""
    placed = kind.placed(value)
    placed.place = where
    placed.seal = lambda plain: keys.seal(plain, where)
    return placed


def row_id(parts: Sequence[Any]) -> str:
    """How a row is named in the context of what it holds: by its primary key."""
    return "/".join(str(part) for part in parts)
