"""``If-None-Match``: a look at what has not changed since is answered 304, in the statement that asks who asks.

Nothing is asked of a record then, nor of who may see it: that they might is a part of what has not changed. What has
changed somewhere, and makes the same answer, is 304 as well; so nobody learns from it that there was a change which
they are not shown.
"""

from dataclasses import dataclass
from datetime import UTC
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response

from api.access_log.declared import Declared
from api.access_log.route import shown_to_others, write_down_unchanged
from api.access_log.shown import Shown
from api.accounts.acting import HEADER as ACTING_AS
from api.accounts.acting import Handler
from api.accounts.callers import Asker
from api.accounts.on_behalf import HEADER as ON_BEHALF_OF
from api.deps import asker_of, services_of
from api.edge.answer_headers import ASKED_ABOUT_EACH_TIME
from api.edge.queries import knows_its_query
from api.problems import Refused
from api.reading.receipts import (
    MOST_SHOWN,
    AnswerReceipt,
    digest_of,
    digest_tag,
    fingerprint_of,
    place_of,
    receipt_in,
    release_of,
    version_tag,
)
from api.reading.versioned import MadeOf
from models.reads.changes import KnownAnswer, Looking, look, looking_now
from rules.accounts.caller import Caller
from rules.enums import Role

HEADER = "If-None-Match"
VARY = f"Authorization, {ON_BEHALF_OF}, {ACTING_AS}, Accept"
_HOLDS_FOR = 1  # days beyond the one on which it was made: less than what has changed is remembered for
_MOST_TAGS = 8
_JSON = "application/json"
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "Nothing has changed since."}}


def answered_if_changed(handler: Handler, declared: Declared | None, made_of: MadeOf | None) -> Handler:
    """The same handler, whose answers have an ``ETag``: a version where one is known (``made_of``), else a digest."""

    async def answer(request: Request) -> Response:
        asked = _asked(request, versioned=made_of is not None)
        if made_of is None:
            return await _with_digest(request, await handler(request), asked)
        await knows_its_query(request)  # what is refused for its address is so before anything is looked at
        receipt = asked.receipt
        looking = Looking(known=receipt.known if receipt is not None else None)
        before = looking_now.set(looking)
        try:
            asker = await _looked(request, looking, made_of)
            if receipt is not None and looking.unchanged and await _holds(request, receipt, asker):
                return await _unchanged(request, receipt, asker, declared, asked.place)
            response = await handler(request)
        finally:
            looking_now.reset(before)
        return await _with_version(request, response, looking, made_of, asked)

    return answer


@dataclass(frozen=True, kw_only=True)
class _AskedAgain:
    """``tags``: those that are named, a bounded number of them, and the ``receipt`` that one of them is."""

    place: bytes
    tags: list[str]
    receipt: AnswerReceipt | None


def _asked(request: Request, *, versioned: bool) -> _AskedAgain:
    services = services_of(request)
    place = place_of(request, release_of(services.settings))
    named = [part.strip() for line in request.headers.getlist(HEADER) for part in line.split(",")]
    tags = named[:_MOST_TAGS]
    return _AskedAgain(place=place, tags=tags, receipt=receipt_in(services.cipher, tags, place) if versioned else None)


async def _looked(request: Request, looking: Looking, made_of: MadeOf) -> Asker | None:
    """Who asks; what had been seen before the answer was begun is known from then on."""
    try:
        asker = await asker_of(request)
    except Refused:  # by a token that is not good nobody is told that anything holds
        looking.unchanged = False
        return None
    if asker is None and made_of is not MadeOf.PUBLIC:
        return None  # and so is refused, for which nothing need be asked
    if looking.seen is None:  # a key of the settings, or nobody's: no statement was asked of who asks
        async with services_of(request).sessions() as session:
            await look(session, looking)
    return asker


async def _who(request: Request) -> Asker | None:
    try:
        return await asker_of(request)
    except Refused:  # whether that matters is the route's to say
        return None


async def _holds(request: Request, receipt: AnswerReceipt, asker: Asker | None) -> bool:
    """Whether it was given to whoever asks, and time alone has not made another answer of it."""
    if receipt.who != fingerprint_of(asker):
        return False
    services = services_of(request)
    if not 0 <= await _today(request) - receipt.day <= _HOLDS_FOR:
        return False
    return receipt.until is None or await services.clock.now() < receipt.until


async def _today(request: Request) -> int:
    """Of the real calendar: what has changed is remembered by it."""
    return (await services_of(request).real_clock.now()).astimezone(UTC).toordinal()


async def _unchanged(
    request: Request, receipt: AnswerReceipt, asker: Asker | None, declared: Declared | None, place: bytes
) -> Response:
    """A look all the same: it is written down as the answer would be."""
    callers = asker.callers if asker is not None else ()
    caller = next((each for each in callers if each.role == receipt.role), None)
    if caller is not None:
        request.state.caller = caller
    shown = Shown(clients=set(receipt.shown), event=receipt.event, of_archive=receipt.of_archive)
    await write_down_unchanged(request, declared, shown)
    return _not_modified(version_tag(services_of(request).cipher, receipt, place))


def _not_modified(tag: str) -> Response:
    response = Response(status_code=304)
    _mark(response, tag)
    return response


def _mark(response: Response, tag: str) -> None:
    response.headers["ETag"] = tag
    response.headers.setdefault("Cache-Control", ASKED_ABOUT_EACH_TIME)
    response.headers["Vary"] = VARY


def _can_be_tagged(response: Response) -> bool:
    kind = response.headers.get("content-type", "")
    return response.status_code == 200 and kind.startswith(_JSON) and hasattr(response, "body")


async def _with_digest(request: Request, response: Response, asked: _AskedAgain) -> Response:
    """It saves sending the answer, and not making it."""
    if not _can_be_tagged(response):
        return response
    who, body = fingerprint_of(await _who(request)), digest_of(bytes(response.body))
    tag = digest_tag(services_of(request).cipher, who=who, body=body, place=asked.place)
    return _told(response, tag, same=tag in asked.tags or "*" in asked.tags)


async def _with_version(
    request: Request, response: Response, looking: Looking, made_of: MadeOf, asked: _AskedAgain
) -> Response:
    shown = getattr(request.state, "shown", None)
    if not _can_be_tagged(response) or not isinstance(shown, Shown):
        return response
    caller: Caller | None = getattr(request.state, "caller", None)
    role = caller.role if caller is not None else None
    named = shown_to_others(request, shown, role)
    if not shown.holds or looking.seen is None or len(named) > MOST_SHOWN:
        return await _with_digest(request, response, asked)
    made = AnswerReceipt(
        known=KnownAnswer(seen=looking.seen, clients=_clients(made_of, shown, caller)),
        who=fingerprint_of(await _who(request)),
        role=role,
        until=shown.until,
        day=await _today(request),
        body=digest_of(bytes(response.body)),
        shown=tuple(sorted(named)),
        event=shown.event,
        of_archive=shown.of_archive,
    )
    had = asked.receipt
    same = had is not None and (had.who, had.body) == (made.who, made.body)
    return _told(response, version_tag(services_of(request).cipher, made, asked.place), same=same or "*" in asked.tags)


def _clients(made_of: MadeOf, shown: Shown, caller: Caller | None) -> frozenset[UUID] | None:
    """Of which clients an answer was made; None: of all there are."""
    if caller is None or caller.role is Role.BOOKING_SITE:  # who sees nobody
        return frozenset()
    if caller.role is Role.CLIENT and caller.client_id:
        return frozenset({UUID(caller.client_id)})
    whose = shown.clients
    return frozenset(whose) if made_of is MadeOf.ONE and len(whose) == 1 else None


def _told(response: Response, tag: str, *, same: bool) -> Response:
    if same:
        return _not_modified(tag)
    _mark(response, tag)
    return response
