"""Looks at everything that has a version, again and again, as everybody who may: whether a 304 is ever a lie."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import httpx
from fastapi.routing import iter_route_contexts

from api.reading.versioned import versioned_of
from tests.care.story import Care

_OF_EACH = 2


@dataclass
class Look:
    tag: str
    body: bytes


@dataclass
class Walk:
    """``unchanged`` and ``again``: how many looks were answered 304, and how many had another answer than before."""

    care: Care
    callers: tuple[str | None, ...]
    known: dict[tuple[str | None, str], Look] = field(default_factory=dict)
    unchanged: int = 0
    again: int = 0

    async def everything(self, after: str) -> None:
        addresses = [address async for address in self._addresses()]
        for by in self.callers:
            if by is None or by in self.care.tokens:
                for address in addresses:
                    await self._look(by, address, after)

    async def _look(self, by: str | None, address: str, after: str) -> None:
        """With what is known already; where that is said to hold, once more as if nothing were: it must be the same."""
        before = self.known.get((by, address))
        headers = {"If-None-Match": before.tag} if before is not None else {}
        told = await self._get(by, address, headers)
        where = f"after {after}: {address} by {by}"
        if told.status_code == 304:
            fresh = await self._get(by, address, {})
            assert before is not None
            assert fresh.status_code == 200, where
            assert fresh.content == before.body, f"a lie {where}:\n{before.body!r}\n{fresh.content!r}"
            self.unchanged += 1
            self.known[by, address] = Look(told.headers["ETag"], before.body)
            return
        if told.status_code != 200:
            self.known.pop((by, address), None)
            return
        if before is not None:
            assert told.content != before.body, f"the same answer was sent again {where}"
            assert told.headers["ETag"] != before.tag, where
            self.again += 1
        self.known[by, address] = Look(told.headers["ETag"], told.content)

    async def _get(self, by: str | None, address: str, headers: dict[str, str]) -> httpx.Response:
        return await self.care.call("GET", address, by=by, headers=headers)

    async def _addresses(self) -> AsyncIterator[str]:
        """Every versioned call, with the ids of whatever there is."""
        ids = await self._ids()
        for path in versioned_paths(self.care):
            names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
            assert len(names) <= 1, path
            if not names:
                yield path
            for id in ids[names[0]] if names else ():
                yield path.replace(f"{{{names[0]}}}", id)

    async def _ids(self) -> dict[str, list[str]]:
        async def of(path: str, name: str = "id") -> list[str]:
            return [item[name] for item in await self.care.items(path, limit=200)][-_OF_EACH:]

        return {
            "client_id": list(dict.fromkeys(self.care.arrived)),
            "appointment_id": await of("/v1/appointments?newest_first=true"),
            "payment_id": await of("/v1/payments"),
            "task_id": await of("/v1/tasks"),
            "group_id": await of("/v1/groups"),
            "slug": await of("/v1/therapists", "slug"),
        }


def versioned_paths(care: Care) -> Iterator[str]:
    for context in iter_route_contexts(care.house.api.routes):
        if versioned_of(getattr(context.route, "dependencies", ())) is not None and "GET" in (context.methods or ()):
            yield str(context.path)
