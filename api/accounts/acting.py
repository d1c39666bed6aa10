"""In which role somebody acts who has several (role-based access): rights add up, and each act has one role.

What is read is read in the role that sees most. What is changed is changed in the narrowest role that may: a therapist
who is also the care team marks an appointment of their own as the therapist, and one of a colleague's as the care team.
``Acting-As`` names the role for those who want another: a list, say, of what they see as a therapist.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from api.accounts.callers import Asker
from api.problems import Refused, refuse
from rules.accounts.caller import Caller
from rules.enums import Role
from rules.refusals import Problem

HEADER = "Acting-As"
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
AskerOf = Callable[[Request], Coroutine[Any, Any, Asker | None]]

_NARROWEST_FIRST = (Role.THERAPIST, Role.CARE_TEAM, Role.ADMIN)
_READS = ("GET", "HEAD", "OPTIONS")
# Of a role that may not: nothing has been done then.
_TRY_ANOTHER = (Problem.NOT_ALLOWED, Problem.OPENING_REQUIRED, Problem.NOT_FOUND, Problem.VALIDATION_FAILED)


def in_each_role(handler: Handler, asker_of: AskerOf, *, of_account: bool) -> Handler:
    """The same route, asked in one role after the other of whoever has several, until one of them may. What is
    ``of_account``, a password for one, is the same in every role: it is asked, and counted, once."""

    async def answer(request: Request) -> Response:
        asker = await _if_known(request, asker_of)
        if asker is None:
            return await handler(request)
        roles = _roles(request, asker)
        return await _in_turn(request, handler, roles[:1] if of_account else roles)

    return answer


async def _if_known(request: Request, asker_of: AskerOf) -> Asker | None:
    try:
        return await asker_of(request)
    except Refused:  # whether that matters is the route's to say
        return None


def _roles(request: Request, asker: Asker) -> tuple[Caller, ...]:
    """Those that are tried, in order. Raises Refused for a role that is asked for and not theirs."""
    wanted = request.headers.get(HEADER)
    if wanted is not None:
        named = tuple(caller for caller in asker.callers if caller.role.value == wanted.strip())
        if not named:
            raise refuse(Problem.NOT_ALLOWED, "This is none of your roles.")
        return named
    if request.method in _READS or len(asker.callers) == 1:
        return asker.callers
    return tuple(sorted(asker.callers, key=lambda caller: _NARROWEST_FIRST.index(caller.role)))


async def _in_turn(request: Request, handler: Handler, callers: tuple[Caller, ...]) -> Response:
    said: Refused | None = None
    for caller in callers:
        request.state.caller = caller
        try:
            return await handler(request)
        except Refused as refused:
            if refused.refusal.name not in _TRY_ANOTHER or _is_read(request, refused):
                raise
            said = _more_telling(said, refused)
    assert said is not None
    raise said


def _more_telling(said: Refused | None, refused: Refused) -> Refused:
    """That a role is not meant for this tells less than what another one was told; that it can be opened, most."""
    if said is None:
        return refused
    keeps = refused.refusal.name is Problem.NOT_ALLOWED or said.refusal.name is Problem.OPENING_REQUIRED
    return said if keeps else refused


def _is_read(request: Request, refused: Refused) -> bool:
    """Whether it was said of a form, which is read while it comes in, and once. What is wrong with a file is wrong in
    every role."""
    form = request.headers.get("content-type", "").lower().startswith("multipart/")
    return form and refused.refusal.name is Problem.VALIDATION_FAILED
