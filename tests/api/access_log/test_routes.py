"""Every call says what it shows of clients, or why nothing; and each that shows something leaves a line."""

from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from api.access_log.declared import Declared, declared_of
from api.access_log.route import LoggedRoute
from rules.accounts.accesses import AccessEvent, AccessKind
from tests.api.access_log.log import lines
from tests.api.accounts.test_roles import CALLS
from tests.api.callers import Callers
from tests.api.conftest import StandingClock
from tests.api.everything import one_of_everything
from tests.care.rows import Rows

SHOWS_NOBODY_HERE = {
    "GET /v1/notifications",  # by a therapist alone, walked below
    "GET /v1/payments/totals",  # sums, of which only the file is written down
    "GET /v1/reports",  # the same
}


def declared_by_call(app: FastAPI) -> dict[str, tuple[APIRoute, Declared | None]]:
    found = {}
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in context.methods or ():
                found[f"{method} {context.path}"] = (route, declared_of(route.dependencies))
    return found


def test_every_call_says_what_it_shows(app: FastAPI) -> None:
    by_call = declared_by_call(app)
    assert by_call.keys() >= CALLS.keys()
    for call, (route, declared) in by_call.items():
        assert declared is not None, f"{call}: dependencies=[shows(...)], or shows_no_client with the reason"
        assert (declared.kind is None) == bool(declared.because), call
        assert declared.kind is None or isinstance(route, LoggedRoute), f"{call} is not written down"


def test_what_is_there_because_of_an_archive_says_so(app: FastAPI) -> None:
    for call, (_, declared) in declared_by_call(app).items():
        assert declared is not None
        assert declared.of_archive == ("archive" in call or call == "POST /v1/group-moves"), (
            call
        )  # an archived client too


async def test_every_read_of_a_client_leaves_its_line(
    app: FastAPI, api: httpx.AsyncClient, people: Callers, rows: Rows, clock: StandingClock
) -> None:
    world = await one_of_everything(rows, people)
    ids = world.ids | {"kind": "informed_consent", "token": "unknown"}
    walked = 0
    for call, (_, declared) in declared_by_call(app).items():
        if not call.startswith("GET") or declared is None or declared.kind is None or call in SHOWS_NOBODY_HERE:
            continue
        by = "ana" if "ana" in CALLS[call].let_in.split() else "desk"
        clock.advance(minutes=16)  # what is looked at once more has its line already
        before = len(await lines(rows.sessions))
        path = call.split()[1].format(**ids) + (f"?{CALLS[call].query}" if CALLS[call].query else "")
        answer = await api.get(path, headers=people.headers[by])
        assert answer.status_code == 200, (call, answer.text)
        new = [line for line in (await lines(rows.sessions))[before:] if line.event.is_of_data]
        shown = people.sara.id in {id for line in new for id in line.whose}
        assert shown or not _names(answer, people.sara.id), call
        for line in new:
            assert (line.kind, line.event, line.of_archive) == (declared.kind, declared.event, declared.of_archive)
        walked += shown
    assert walked > 20


NAMES_WHOSE_DATA_WAS_SEEN = {"GET /v1/accesses"}


async def test_what_is_said_to_show_no_client_names_none(
    app: FastAPI, api: httpx.AsyncClient, people: Callers, rows: Rows
) -> None:
    world = await one_of_everything(rows, people)
    walked = 0
    for call, (_, declared) in declared_by_call(app).items():
        if not call.startswith("GET /v1") or declared is None or declared.kind is not None:
            continue
        ids = world.ids | {"kind": "informed_consent", "token": "unknown", "name": "slot-taken"}
        path = call.split()[1].format(**ids)
        for by in ("admin", "desk", "ana"):
            answer = await api.get(path, headers=people.headers[by])
            assert call in NAMES_WHOSE_DATA_WAS_SEEN or not _names(answer, people.sara.id), call
            walked += answer.status_code == 200
    assert walked > 20


def _names(answer: httpx.Response, client_id: UUID) -> bool:
    """Whether an answer is about her."""
    return str(client_id) in answer.text and "/feed/" not in str(answer.url)


@pytest.mark.parametrize("kind", list(AccessKind))
def test_every_kind_of_data_is_some_calls(app: FastAPI, kind: AccessKind) -> None:
    assert kind in {declared.kind for _, declared in declared_by_call(app).values() if declared is not None}


def test_files_are_exports(app: FastAPI) -> None:
    exports = {c for c, (_, said) in declared_by_call(app).items() if said and said.event is AccessEvent.EXPORT}
    assert exports == {
        "GET /v1/appointments/{appointment_id}/calendar.ics",
        "GET /v1/therapists/{slug}/feed/{secret}.ics",
        "GET /v1/documents/{document_id}/content",
        "GET /v1/clients/{client_id}/uploads/{upload_id}/content",
        "GET /v1/clients/{client_id}/forms/{kind}/signed.pdf",
        "GET /v1/payments/{payment_id}/receipt.pdf",
        "GET /v1/clients/{client_id}/statement.pdf",
    }
