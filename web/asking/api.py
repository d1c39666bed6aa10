"""One request to the API after the other, with the site's key, and for whoever looks at the page."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from urllib.parse import quote

import httpx

from web.asking.problems import ApiRefused, ApiSlow, ApiUnreachable

TIMEOUT = httpx.Timeout(35.0, connect=5.0)  # an answer of the API takes at most half a minute, by its own bounds
PATIENCE = 40.0  # seconds that one page waits for the API, in all
Json = dict[str, Any]


@dataclass(kw_only=True)
class Asking:
    """The API, as one visitor asks it. ``token``: a person's, or a client's pass; none for whoever is nobody yet.

    ``calls`` and ``waited`` (seconds) say what the page costs; in development each answer tells it.
    """

    http: httpx.AsyncClient
    key: str
    visitor: str
    network: str
    agent: str = ""
    token: str | None = None
    calls: int = field(default=0, init=False)
    waited: float = field(default=0.0, init=False)

    async def get(self, path: str, **query: Any) -> Any:
        return await self._ask("GET", path, query=query)

    async def find(self, path: str, **query: Any) -> Any:
        """As ``get``, but None where there is no such thing."""
        try:
            return await self.get(path, **query)
        except ApiRefused as refused:
            if refused.status != 404:
                raise
            return None

    async def post(self, path: str, body: Json | None = None, *, once: str | None = None) -> Any:
        """``once``: the Idempotency-Key. The same form sent twice is then one change."""
        return await self._ask("POST", path, body=body, once=once)

    async def upload(self, path: str, fields: dict[str, str], file: tuple[str, bytes, str], *, once: str) -> Any:
        """``file``: its name, its bytes and its type."""
        answer = await self._send("POST", path, form=fields, files={"file": file}, once=once)
        return answer.json()

    async def put(self, path: str, body: Json) -> Any:
        return await self._ask("PUT", path, body=body)

    async def patch(self, path: str, body: Json) -> Any:
        return await self._ask("PATCH", path, body=body)

    async def delete(self, path: str) -> Any:
        return await self._ask("DELETE", path)

    async def post_form(self, path: str, fields: dict[str, str]) -> None:
        """For the one call that takes what mail programs send."""
        await self._send("POST", path, form=fields)

    async def file(self, path: str, *, accept: str | None = None, **query: Any) -> httpx.Response:
        """What is no JSON: a calendar file, a document, a receipt; ``accept``: where the API has it otherwise, too."""
        return await self._send("GET", path, query=query, accept=accept)

    async def csv(self, path: str, **query: Any) -> httpx.Response:
        """What a call tells to whoever asks for a table."""
        return await self._send("GET", path, query=query, accept="text/csv")

    async def _ask(self, method: str, path: str, **more: Any) -> Any:
        answer = await self._send(method, path, **more)
        try:
            return answer.json() if answer.content else None
        except ValueError as error:
            raise ApiUnreachable(f"what answered {method} {path} is no API") from error

    async def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Json | None = None,
        form: dict[str, str] | None = None,
        files: dict[str, Any] | None = None,
        once: str | None = None,
        accept: str | None = None,
    ) -> httpx.Response:
        self.calls += 1
        wanted = {name: value for name, value in (query or {}).items() if value is not None}
        headers = self._headers(once) | ({"Accept": accept} if accept else {})
        begun = perf_counter()
        try:
            async with asyncio.timeout(PATIENCE - self.waited):
                answer = await self.http.request(
                    method, path, params=wanted, json=body, data=form, files=files, headers=headers
                )
        except (TimeoutError, httpx.ReadTimeout, httpx.WriteTimeout) as error:
            raise ApiSlow(str(error) or type(error).__name__) from error
        except httpx.HTTPError as error:
            raise ApiUnreachable(str(error) or type(error).__name__) from error
        finally:
            self.waited += perf_counter() - begun
        if answer.is_success:
            return answer
        raise _refused(answer)

    def _headers(self, once: str | None) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self.key}", "Visitor": self.visitor, "User-Agent": self.agent}
        if self.network:
            headers["Visitor-Network"] = self.network
        if self.token is not None:
            headers["On-Behalf-Of"] = f"Bearer {self.token}"
        if once is not None:
            headers["Idempotency-Key"] = once
        return headers


def _refused(answer: httpx.Response) -> ApiRefused | ApiUnreachable:
    try:
        document = answer.json()
    except ValueError:
        document = None
    if not isinstance(document, dict) or "type" not in document:
        return ApiUnreachable(f"the API answered {answer.status_code} without a problem document")
    return ApiRefused(answer.status_code, document, retry_after=answer.headers.get("retry-after"))


def part(text: str) -> str:
    """A part of a path, as it may stand in one: whoever types an address cannot reach another call by it."""
    return quote(text, safe="")
