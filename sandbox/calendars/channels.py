"""Google's channels: whoever watches a calendar is called when an event is put in or taken out."""

import logging
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from sandbox.calendars.vendors import GOOGLE, api_error
from sandbox.store import Document, Store

log = logging.getLogger(__name__)
_ID = re.compile(r"[A-Za-z0-9\-_+/=]{1,64}")
_LONGEST_TTL = 30 * 24 * 3600  # seconds
_TIMEOUT = 5.0  # seconds


class Channels:
    def __init__(self, store: Store) -> None:
        self._store = store

    def watch(self, account: str, asked: Mapping[str, Any], *, now: datetime) -> Document:
        """Raises VendorError."""
        id_, address, token = (str(asked.get(name, "")) for name in ("id", "address", "token"))
        place = urlsplit(address)
        if asked.get("type") != "web_hook" or not _ID.fullmatch(id_) or len(token) > 256:
            raise api_error(400, "INVALID_ARGUMENT", "Bad Request")
        if place.scheme != "https" and place.hostname not in ("127.0.0.1", "localhost"):
            raise api_error(401, "webhookUrlNotHttps", "WebHook callback must be HTTPS: " + address)
        if self._row(id_) is not None:
            raise api_error(400, "channelIdNotUnique", f"Channel id {id_} not unique")
        try:
            ttl = min(int(asked["params"]["ttl"]), _LONGEST_TTL)
        except (KeyError, TypeError, ValueError):
            ttl = _LONGEST_TTL
        row: Document = {
            "id": id_,
            "account": account,
            "resource": f"events-{account}",
            "address": address,
            "token": token,
            "until": now.timestamp() + ttl,
            "stopped": False,
            "calls": 0,
        }
        self._put(row)
        expiration = str(int(row["until"] * 1000))
        return {"kind": "api#channel", "id": id_, "resourceId": row["resource"], "expiration": expiration}

    def stop(self, account: str, asked: Mapping[str, Any]) -> None:
        """Raises VendorError."""
        row = self._row(str(asked.get("id", "")))
        if row is None or row["stopped"] or (row["account"], row["resource"]) != (account, asked.get("resourceId")):
            raise api_error(404, "notFound", f"Channel '{asked.get('id')}' not found for project")
        self._put({**row, "stopped": True})

    def all(self) -> list[Document]:
        return self._store.all(GOOGLE.of("channel"))

    async def tell(self, account: str, *, now: datetime) -> None:
        """That something has changed. Whoever does not answer is not told again."""
        for row in self.all():
            if row["account"] == account and not row["stopped"] and now.timestamp() < row["until"]:
                await self._call(row, "exists")

    async def begin(self, id_: str) -> None:
        """The first call of a channel."""
        row = self._row(id_)
        assert row is not None, "it was opened"
        await self._call(row, "sync")

    async def _call(self, row: Document, state: str) -> None:
        calls = row["calls"] + 1
        self._put({**row, "calls": calls})
        headers = {
            "X-Goog-Channel-ID": row["id"],
            "X-Goog-Channel-Token": row["token"],
            "X-Goog-Resource-ID": row["resource"],
            "X-Goog-Resource-State": state,
            "X-Goog-Message-Number": str(calls),
        }
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False) as http:
                await http.post(row["address"], headers=headers)
        except httpx.HTTPError as problem:
            log.warning("a channel's address does not answer: %s", type(problem).__name__)

    def _row(self, id_: str) -> Document | None:
        return self._store.get(GOOGLE.of("channel"), id_)

    def _put(self, row: Document) -> None:
        self._store.put(GOOGLE.of("channel"), row)
        self._store.commit()
