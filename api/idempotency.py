"""``Idempotency-Key`` on every POST: the same request again gets the same answer, and does nothing twice.

The same is a request that says the same, in its body and in its query. Keys live for a day of the product's time, per
person, or visitor where nobody is known, and path. Refusals are not kept: the key is then free again. When nobody knows
how a request ended, or the answer says with ``Retry-After`` that it has not ended yet, the next try goes on under the
same request id, from which all ids of what it creates follow, so that it finds what is there already.
"""

import asyncio
import hmac
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from time import monotonic
from uuid import uuid4

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from api.access_log.declared import Declared, declared_of
from api.access_log.route import LoggedRoute, write_down_again
from api.accounts.acting import Handler, in_each_role
from api.accounts.visitors import counted_by
from api.bounds.kept_body import kept_body
from api.deps import Services, asker_of, services_of
from api.problems import EngineUnavailable, Refused, refuse, wrong_fields
from api.reading.conditional import answered_if_changed
from api.reading.versioned import versioned_of
from engine.codec import PayloadKeys, decrypt_bytes, encrypt_bytes
from models.writes import idempotency as idempotency_store
from models.writes.idempotency import BEATS_EVERY, Claim, RequestKey, StoredAnswer
from rules.refusals import Problem

HEADER = "Idempotency-Key"
_FORM = re.compile(r"[\x21-\x7e]{1,255}")
_LOOK_AGAIN_AFTER = 0.05
_WAIT_AT_MOST = 20.0
_LONGEST_ROUTE = 300


class IdempotentRoute(LoggedRoute):
    """A route that honours ``Idempotency-Key`` when it is a POST, and ``If-None-Match`` when it is a GET."""

    of_account = False

    @property
    def marks_its_answers(self) -> bool:
        """Not what is of an account, or asked with a link that is a key: that nobody keeps, to ask about it again."""
        return self.methods == {"GET"} and not self.of_account and "{token}" not in self.path

    def get_route_handler(self) -> Handler:
        handler = in_each_role(super().get_route_handler(), asker_of, of_account=self.of_account)
        declared = declared_of(self.dependencies)
        if "POST" not in (self.methods or ()):
            if not self.marks_its_answers:
                return handler
            return answered_if_changed(handler, declared, versioned_of(self.dependencies))

        async def answer(request: Request) -> Response:
            key = request.headers.get(HEADER)
            return await handler(request) if key is None else await _answer_once(request, key, handler, declared)

        return answer


class AccountRoute(IdempotentRoute):
    """The same for what is of the account of whoever asks, whatever roles it has."""

    of_account = True


async def _answer_once(request: Request, key: str, handler: Handler, declared: Declared | None) -> Response:
    if not _FORM.fullmatch(key):
        raise wrong_fields([(HEADER, "must be 1 to 255 visible ASCII characters")])
    services = services_of(request)
    asker = await asker_of(request)
    route = f"{request.method} {request.url.path}"
    if len(route) > _LONGEST_ROUTE:
        route = sha256(route.encode()).hexdigest()
    row = RequestKey(caller=counted_by(request, asker, services.cipher), route=route, key=key)
    async with kept_body(request) as (readable, said):
        claim = await _claim(services, row, _hashes(services.cipher, said, query=_asked(request)))
        if isinstance(claim, StoredAnswer):
            kept = decrypt_bytes(services.cipher, claim.answer or b"", context=_context(row))
            await write_down_again(request, declared, kept)
            return _replay(kept, claim)
        return await _answered(services, readable, claim, handler)


async def _answered(services: Services, request: Request, claim: Claim, handler: Handler) -> Response:
    request.state.request_id = claim.request_id
    try:
        async with _alive(services, claim):
            response = await handler(request)
    except BaseException as error:
        # What broke half-way goes on under the same id; what was refused is over.
        # A refusal's key must be free whatever its status: the engine keeps answers too, and would refuse the
        # same id for ever.
        over = isinstance(error, RequestValidationError | HTTPException | Refused)
        async with services.sessions() as session:
            await (idempotency_store.release if over else idempotency_store.mark_lost)(session, claim)
            await session.commit()
        raise
    await _finish(services, claim, response)
    return response


@asynccontextmanager
async def _alive(services: Services, claim: Claim) -> AsyncIterator[None]:
    """Tell twins in other processes, while this goes on, that it does: what they hear nothing of is theirs soon."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(BEATS_EVERY.total_seconds())
            with suppress(SQLAlchemyError, OSError):  # the next may get through
                async with services.sessions() as session:
                    await idempotency_store.beat(session, claim)
                    await session.commit()

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()


async def _claim(services: Services, row: RequestKey, hashes: Sequence[str]) -> Claim | StoredAnswer:
    """The right to answer, or what a twin answered; waits while a twin is at it."""
    give_up = monotonic() + _WAIT_AT_MOST
    while True:
        now = await services.clock.now()
        async with services.sessions() as session:
            found = await idempotency_store.claim(session, row, body_hashes=hashes, new_id=uuid4(), now=now)
            await session.commit()
        if isinstance(found, Claim):
            return found
        if found is not None and found.body_hash not in hashes:
            raise refuse(Problem.IDEMPOTENCY_KEY_REUSED, "This Idempotency-Key was used with another request before.")
        if found is not None and found.status:
            return found
        if monotonic() > give_up:
            raise EngineUnavailable
        await asyncio.sleep(_LOOK_AGAIN_AFTER)


async def _finish(services: Services, claim: Claim, response: Response) -> None:
    async with services.sessions() as session:
        if not 200 <= response.status_code < 300:
            await idempotency_store.release(session, claim)
        elif "Retry-After" in response.headers:  # no answer yet: the same key asked again looks again
            await idempotency_store.mark_lost(session, claim)
        else:
            sealed = encrypt_bytes(services.cipher, bytes(response.body), context=_context(claim.key))
            await idempotency_store.store(session, claim, status=response.status_code, answer=sealed)
        await session.commit()


def _replay(body: bytes, stored: StoredAnswer) -> Response:
    return Response(
        body,
        status_code=stored.status or 200,
        media_type="application/json" if body else None,
        headers={"Idempotent-Replayed": "true"},
    )


def _context(row: RequestKey) -> bytes:
    return f"{row.caller}\n{row.route}\n{row.key}".encode()


def _asked(request: Request) -> bytes:
    """The query, however it is ordered; empty without one."""
    asked = sorted(request.query_params.multi_items())
    return json.dumps(asked, separators=(",", ":")).encode() if asked else b""


def _hashes(keys: PayloadKeys, body: bytes, *, query: bytes) -> tuple[str, ...]:
    """Equal for requests that say the same, however they are spaced and ordered; one hash per key, the current first.

    Bodies hold passwords: without a key, whoever reads the table could try likely ones. What was kept before the keys
    were rotated is known by an older key's hash.
    """
    with suppress(ValueError, RecursionError):
        body = json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode()
    said = query + b"\n" + body if query else body
    derived = (PayloadKeys((key,)).derive("idempotency") for key in keys.keys)
    return tuple(hmac.digest(key, said, "sha256").hex() for key in derived)
