"""What a key with scopes reaches, by call: the one place where scopes are looked at.

What anybody may without a key is not asked about here.
"""

from fastapi import Request

from api.accounts.programs import Program
from api.problems import refuse
from rules.accounts.programs import KeyScope
from rules.refusals import Problem

_READS = ("GET", "HEAD", "OPTIONS")
_STARTS_JOURNEYS = ("POST /v1/journeys",)
_HOLDS = ("POST /v1/therapists/{slug}/holds", "DELETE /v1/holds/{hold_id}")
_ANY_KEY = ("GET /v1/me",)


def must_be_in_scope(request: Request, program: Program) -> None:
    """Raises Refused for a call that the key's scopes leave out."""
    if program.scopes and not any(_reaches(scope, request) for scope in program.scopes):
        detail = "The scopes of this key do not reach this call."
        raise refuse(Problem.NOT_ALLOWED, detail, scopes=sorted(program.scopes))


def _reaches(scope: KeyScope, request: Request) -> bool:
    call = f"{request.method} {request.scope['route'].path}"
    if call in _ANY_KEY:
        return True
    match scope:
        case KeyScope.READ:
            return request.method in _READS
        case KeyScope.START_JOURNEYS:
            return call in _STARTS_JOURNEYS
        case KeyScope.HOLD_SLOTS:
            return call in _HOLDS
        case _:
            return False
