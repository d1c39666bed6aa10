"""What a pass opens, and what a key with scopes reaches, by call: the one place where either is looked at.

A call that stands nowhere here is opened by no pass. What anybody may without a key is not asked about.
"""

from fastapi import Request

from api.accounts.callers import Asker
from api.problems import refuse
from rules.accounts.programs import KeyScope
from rules.refusals import Problem

OPENED_BY_PASS = frozenset(
    {
        "POST /v1/therapists/{slug}/holds",
        "GET /v1/holds/{hold_id}",
        "DELETE /v1/holds/{hold_id}",
        "POST /v1/therapists/{slug}/waitlist",
        "GET /v1/clients/{client_id}/waitlist",
        "DELETE /v1/waitlist/{place_id}",
        "GET /v1/clients/{client_id}",
        "PATCH /v1/clients/{client_id}",
        "POST /v1/clients/{client_id}/activation",
        "POST /v1/clients/{client_id}/passes",
        "GET /v1/clients/{client_id}/offers",
        "POST /v1/clients/{client_id}/appointments",  # the first; the booking itself says so
        "GET /v1/appointments",  # what was booked with a pass, here and below; the queries say so
        "GET /v1/appointments/{appointment_id}",
        "GET /v1/appointments/{appointment_id}/calendar.ics",
        "POST /v1/appointments/{appointment_id}/cancel",
        "POST /v1/appointments/{appointment_id}/reschedule",
        "GET /v1/me",
    }
)
_STARTS_JOURNEYS = ("POST /v1/journeys",)
_HOLDS = ("POST /v1/therapists/{slug}/holds", "GET /v1/holds/{hold_id}", "DELETE /v1/holds/{hold_id}")
_EVENTS = ("GET /v1/events",)
_ANY_KEY = ("GET /v1/me",)


def must_be_in_reach(request: Request, asker: Asker) -> None:
    """Raises Refused for a call that the key's scopes leave out, or that the pass does not open."""
    method = "GET" if request.method == "HEAD" else request.method
    call = f"{method} {request.scope['route'].path}"
    scopes = asker.program.scopes if asker.program is not None else frozenset()
    if scopes and not any(_reaches(scope, method, call, asker) for scope in scopes):
        detail = "The scopes of this key do not reach this call."
        raise refuse(Problem.NOT_ALLOWED, detail, scopes=sorted(scopes))
    if asker.callers[0].by_pass and call not in OPENED_BY_PASS:
        raise refuse(Problem.NOT_ALLOWED, "A pass does not open this: it needs a sign-in of the client's own.")


def _reaches(scope: KeyScope, method: str, call: str, asker: Asker) -> bool:
    match scope:
        case KeyScope.READ:
            return method == "GET"
        case KeyScope.START_JOURNEYS:
            return call in (*_STARTS_JOURNEYS, *_ANY_KEY)
        case KeyScope.HOLD_SLOTS:
            return call in (*_HOLDS, *_ANY_KEY)
        case KeyScope.READ_EVENTS:
            return call in (*_EVENTS, *_ANY_KEY)
        case KeyScope.BOOK:
            return call in (OPENED_BY_PASS if asker.is_person else _ANY_KEY)
        case KeyScope.PORTAL:
            return asker.is_person or call in _ANY_KEY
