"""A route whose answers are written down before anything of them leaves: the one place from which lines of reads come.

What cannot be written down is not answered.
"""

from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute

from api.access_log.declared import Declared, declared_of
from api.access_log.lines import access_of, write
from api.access_log.payloads import clients_named_in
from api.access_log.shown import Shown, noting_what_is_shown, shown_now
from api.accounts.callers import Asker
from api.deps import asker_of, caller_of, services_of
from api.problems import Refused
from rules.accounts.accesses import AccessEvent, AccessKind
from rules.accounts.caller import Caller
from rules.enums import Role
from rules.refusals import Problem

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
_SHOWS_NOTHING = 204
_WHO_HAS_AN_ADDRESS = Declared(kind=AccessKind.RECORD)


class LoggedRoute(APIRoute):
    """A route that says, by `api.access_log.declared`, what it shows of clients."""

    def __init__(self, path: str, endpoint: Callable[..., Awaitable[Any]], **more: Any) -> None:
        super().__init__(path, noting_what_is_shown(endpoint), **more)

    def get_route_handler(self) -> Handler:
        return _written_down(super().get_route_handler(), declared_of(self.dependencies))


def _written_down(handler: Handler, declared: Declared | None) -> Handler:
    """The same handler, whose answers leave once there is a line of what they show."""

    async def answer(request: Request) -> Response:
        shown = Shown(sessions=services_of(request).sessions)
        before = shown_now.set(shown)
        try:
            response = await handler(request)
        except (Refused, RequestValidationError) as refused:
            tells = isinstance(refused, Refused) and _names_a_client(refused, shown)
            await _write(request, _WHO_HAS_AN_ADDRESS if tells else None, shown)
            raise
        finally:
            shown_now.reset(before)
        shown.clients |= _in_path(request)
        tells = 200 <= response.status_code < 300 and response.status_code != _SHOWS_NOTHING
        await _write(request, declared if tells else None, shown)
        request.state.shown = shown
        return response

    return answer


async def write_down_again(request: Request, declared: Declared | None, answer: bytes) -> None:
    """The line of an answer that was kept, and is given once more. Whose it is, the path says, or what is answered."""
    shown = Shown(clients={*_in_path(request), *clients_named_in([answer])})
    await _write(request, declared if answer else None, shown)


async def write_down_unchanged(request: Request, declared: Declared | None, shown: Shown) -> None:
    """The line of an answer that whoever asks has already, and is told to look at again."""
    await _write(request, declared, shown)


def shown_to_others(request: Request, shown: Shown, role: Role | None) -> frozenset[UUID]:
    """Whose data somebody else than their own client is shown: whom a line names."""
    return frozenset() if role is Role.CLIENT else frozenset(shown.clients | _in_path(request))


def _names_a_client(refused: Refused, shown: Shown) -> bool:
    """Whether a refusal tells whose an address is, as it tells staff."""
    told = refused.refusal.data.get("client_id")
    shown.clients = {UUID(str(told))} if refused.refusal.name is Problem.EMAIL_IN_USE and told is not None else set()
    return bool(shown.clients)


async def _write(request: Request, declared: Declared | None, shown: Shown) -> None:
    """In one statement, or none: that a key was used goes with the line of what it read."""
    asker, caller = await _who_asks(request)
    services = services_of(request)
    seen = _seen(declared, shown, shown.caller or caller) if declared is not None else None
    program = asker.by_program if asker is not None else None
    if program is not None and not services.key_uses.is_new(program.actor):
        program = None
    if seen is None and program is None:
        return
    line_of = partial(access_of, request, asker, at=await services.clock.now())
    used = [line_of(event=AccessEvent.KEY_USE, who=program.name, caller=program)] if program is not None else []
    await write(services, [*([line_of(**seen)] if seen is not None else []), *used])
    if program is not None:
        services.key_uses.note(program.actor)


async def _who_asks(request: Request) -> tuple[Asker | None, Caller | None]:
    """By a token that is not good nobody has asked; where the call needs none, there is an answer all the same."""
    try:
        return await asker_of(request), await caller_of(request)
    except Refused:
        return None, None


def _seen(declared: Declared, shown: Shown, caller: Caller | None) -> dict[str, Any] | None:
    """What the line says of what was shown; None where a client looked at their own, or nobody's was shown. A file of
    nobody is a file all the same."""
    event, whose = shown.event or declared.event, shown.clients
    own = caller is not None and caller.role is Role.CLIENT
    if declared.kind is None or own or (event is AccessEvent.READ and not whose):
        return None
    of_archive = declared.of_archive or shown.of_archive
    return {"event": event, "kind": declared.kind, "whose": whose, "caller": caller, "of_archive": of_archive}


def _in_path(request: Request) -> set[UUID]:
    named = request.path_params.get("client_id")
    return {UUID(str(named))} if named is not None else set()
