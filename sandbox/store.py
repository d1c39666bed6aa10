"""What the stand-ins remember: JSON objects by kind and id, and the answers kept for idempotency keys.

Everything lives in one SQLite file (or in memory), and is read into memory at the start. Each request is one
transaction, committed before it is answered, so that a process killed at any moment has either charged and
remembers it, or has not charged.
"""

import copy
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Document = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (kind, id));
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, path TEXT NOT NULL, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body TEXT
    NOT NULL, request_id TEXT NOT NULL, kept_at INTEGER NOT NULL);
"""


@dataclass(frozen=True, kw_only=True)
class KeptAnswer:
    """The answer first given under an idempotency key. ``kept_at`` is in unix seconds of the stand-in's
    clock."""

    key: str
    path: str
    fingerprint: str
    status: int
    body: str
    request_id: str
    kept_at: int


class Store:
    """Changes are seen at once by the request that makes them, and kept by ``commit``."""

    def __init__(self, path: Path | None = None) -> None:
        self._file = sqlite3.connect(str(path) if path else ":memory:", isolation_level=None)
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.execute("PRAGMA synchronous=NORMAL")
        self._file.executescript(_SCHEMA)
        self._objects: dict[str, dict[str, Document]] = {}
        for kind, id_, body in self._file.execute("SELECT kind, id, body FROM objects ORDER BY seq"):
            self._objects.setdefault(kind, {})[id_] = json.loads(body)
        self._changed: dict[tuple[str, str], Document] = {}

    def get(self, kind: str, id_: str) -> Document | None:
        """A copy: change it and ``put`` it back."""
        found = self._changed.get((kind, id_)) or self._objects.get(kind, {}).get(id_)
        return copy.deepcopy(found)

    def put(self, kind: str, document: Mapping[str, Any]) -> None:
        self._changed[kind, document["id"]] = copy.deepcopy(dict(document))

    def all(self, kind: str) -> list[Document]:
        """Oldest first."""
        merged = dict(self._objects.get(kind, {}))
        merged.update({id_: body for (of, id_), body in self._changed.items() if of == kind})
        return copy.deepcopy(list(merged.values()))

    def kept_answer(self, key: str) -> KeptAnswer | None:
        row = self._file.execute(
            "SELECT key, path, fingerprint, status, body, request_id, kept_at FROM answers WHERE key = ?",
            (key,),
        ).fetchone()
        if row is None:
            return None
        return KeptAnswer(
            key=row[0],
            path=row[1],
            fingerprint=row[2],
            status=row[3],
            body=row[4],
            request_id=row[5],
            kept_at=row[6],
        )

    def forget_answers(self) -> None:
        """As if all of them were a day old."""
        self._file.execute("DELETE FROM answers")

    def commit(self, answer: KeptAnswer | None = None) -> None:
        """Keeps every change and, in the same transaction, the answer that told of them."""
        if not self._changed and answer is None:
            return
        self._file.execute("BEGIN IMMEDIATE")
        try:
            for (kind, id_), body in self._changed.items():
                self._file.execute(
                    "INSERT INTO objects (kind, id, body) VALUES (?, ?, ?) "
                    "ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
                    (kind, id_, json.dumps(body)),
                )
            if answer is not None:
                self._file.execute(
                    "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        answer.key,
                        answer.path,
                        answer.fingerprint,
                        answer.status,
                        answer.body,
                        answer.request_id,
                        answer.kept_at,
                    ),
                )
            self._file.execute("COMMIT")
        except BaseException:
            self._file.execute("ROLLBACK")
            self._changed.clear()
            raise
        for (kind, id_), body in self._changed.items():
            self._objects.setdefault(kind, {})[id_] = body
        self._changed.clear()

    def rollback(self) -> None:
        self._changed.clear()

    def close(self) -> None:
        self._file.close()
