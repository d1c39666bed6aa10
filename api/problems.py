"""Every "no" of the API as application/problem+json: one table from names to statuses."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import structlog
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg.errors import DiskFull
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from api.explained.schemas import BROKEN, address_of, title_of
from api.request_ids import request_id_of
from engine.clock import ClockUnavailable
from engine.watching.requests import route_of
from models.pulse import Silent
from rules.refusals import Problem, Refusal

Row = TypeVar("Row")

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

STATUS: Mapping[Problem, int] = {
    Problem.VALIDATION_FAILED: 422,
    Problem.UNAUTHENTICATED: 401,
    Problem.NOT_ALLOWED: 403,
    Problem.OPENING_REQUIRED: 403,
    Problem.NOT_FOUND: 404,
    Problem.CLIENT_DETAILS_REQUIRED: 422,
    Problem.EMAIL_IN_USE: 409,
    Problem.NO_THERAPIST_ASSIGNED: 409,
    Problem.INTRO_CALL_REQUIRED: 409,
    Problem.INTRO_CALL_NOT_OFFERED: 409,
    Problem.INTAKE_FORMS_INCOMPLETE: 409,
    Problem.BOOKING_DISABLED: 409,
    Problem.SLOT_TAKEN: 409,
    Problem.SLOT_UNAVAILABLE: 409,
    Problem.SERIES_CONFLICT: 409,
    Problem.LATE_CHANGE: 409,
    Problem.APPOINTMENT_NOT_OPEN: 409,
    Problem.APPOINTMENT_NOT_STARTED: 409,
    Problem.CLIENT_ARCHIVED: 409,
    Problem.ACTIVATION_LINK_INVALID: 410,
    Problem.LINK_INVALID: 410,
    Problem.SECOND_FACTOR_REQUIRED: 401,
    Problem.SECOND_PERSON_REQUIRED: 409,
    Problem.IDEMPOTENCY_KEY_REUSED: 422,
    Problem.PAYMENT_NOT_REFUNDABLE: 409,
    Problem.PAYMENT_NOT_OPEN: 409,
    Problem.EVENTS_GONE: 410,
    Problem.RATE_LIMITED: 429,
    Problem.ENGINE_UNAVAILABLE: 503,
}


class Refused(Exception):
    """A refusal on its way to the answer. ``status`` is the table's unless the protocol wants another."""

    def __init__(self, refusal: Refusal, *, status: int | None = None) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal
        self.status = status or STATUS[refusal.name]


class EngineUnavailable(Exception):
    """The engine did not answer in time: nobody knows yet whether the request was carried out."""


def refuse(name: Problem, detail: str, **data: Any) -> Refused:
    return Refused(Refusal(name=name, detail=detail, data=data))


def not_found(what: str) -> Refused:
    """The answer for what is not there, and for what the caller may not see."""
    return refuse(Problem.NOT_FOUND, f"There is no such {what}.")


def must_find(what: str, row: Row | None) -> Row:
    """What was looked for, with regard to who asks. Raises Refused: not found."""
    if row is None:
        raise not_found(what)
    return row


def wrong_fields(errors: Sequence[tuple[str, str]]) -> Refused:
    """The refusal of a request with these wrong fields, each with what is wrong."""
    listed = [{"field": field, "message": message} for field, message in errors]
    detail = "; ".join(f"{field}: {message}" for field, message in errors[:5])
    return refuse(Problem.VALIDATION_FAILED, detail, errors=listed)


def problem(
    request: Request,
    *,
    type_name: str,
    status: int,
    detail: str,
    data: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The answer that is one problem document."""
    document = _document(request, type_name=type_name, status=status, detail=detail, data=data)
    document["request_id"] = request_id_of(request.scope)
    return JSONResponse(document, status_code=status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def _document(
    request: Request, *, type_name: str, status: int, detail: str, data: Mapping[str, Any] | None
) -> dict[str, Any]:
    """One problem document. ``data`` stands at its top level, beside the document's own members."""
    base = request.app.state.services.settings.public_url
    return {
        **jsonable_encoder(dict(data or {})),
        "type": address_of(type_name, public_url=base),
        "title": title_of(type_name),
        "status": status,
        "detail": detail,
    }


def document_of(request: Request, refusal: Refusal) -> dict[str, Any]:
    """The problem document that this refusal would be answered with, as a part of another answer, which has the
    request's id itself."""
    data = {name: value for name, value in refusal.data.items() if name != _IN_A_HEADER}
    status = STATUS[refusal.name]
    return _document(request, type_name=refusal.name.value, status=status, detail=refusal.detail, data=data)


_IN_A_HEADER = "retry_after"


def responses(*names: Problem) -> dict[int | str, dict[str, Any]]:
    """How a route's refusals look in the OpenAPI description: `api.description` puts the schemas in."""
    always = (
        Problem.VALIDATION_FAILED,
        Problem.UNAUTHENTICATED,
        Problem.SECOND_FACTOR_REQUIRED,
        Problem.NOT_ALLOWED,
        Problem.ENGINE_UNAVAILABLE,
    )
    by_status: dict[int, list[str]] = {}
    for name in (*always, *names):
        listed = by_status.setdefault(STATUS[name], [])
        if name.value not in listed:
            listed.append(name.value)
    return {status: refusals(", ".join(listed), listed) for status, listed in sorted(by_status.items())}


_BEFORE_A_ROUTE = {
    413: ("The body is too large.", Problem.VALIDATION_FAILED),
    415: ("Bodies are read as they are, without a Content-Encoding.", Problem.VALIDATION_FAILED),
    421: ("This host is not served here.", Problem.NOT_FOUND),
    431: ("The headers together are too large.", Problem.VALIDATION_FAILED),
}


NAMES = "x-problems"


def before_a_route() -> dict[str, dict[str, Any]]:
    """How the same looks for what any request is refused for before it is known what it asks."""
    return {str(status): refusals(why, [name]) for status, (why, name) in _BEFORE_A_ROUTE.items()}


def refusals(description: str, names: Sequence[str]) -> dict[str, Any]:
    """A response that is one of these problems, before their schemas are known."""
    return {"description": description, "content": {MEDIA_TYPE: {"schema": {NAMES: list(names)}}}}


_NOT_NOW = (
    "This could not be finished just now. Repeat the request with the same Idempotency-Key:"
    " whatever was done already is not done twice."
)
_DISK_FULL = (
    "The database's disk is full: nothing can be written until an operator has made room. Repeat the request with the"
    " same Idempotency-Key then."
)


def install(app: FastAPI) -> None:
    """Answer every exception that somebody expected with a problem document; ``broken`` is for the others."""
    app.add_exception_handler(Refused, _refused)
    for away in (EngineUnavailable, ClockUnavailable, Silent, OperationalError, InterfaceError, PoolTimeout):
        app.add_exception_handler(away, unavailable)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _protocol)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)
    data = dict(error.refusal.data)
    headers = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if error.refusal.name is Problem.RATE_LIMITED or _IN_A_HEADER in data:
        headers["Retry-After"] = str(data.pop(_IN_A_HEADER, 60))
    return problem(
        request,
        type_name=error.refusal.name.value,
        status=error.status,
        detail=error.refusal.detail,
        data=data,
        headers=headers,
    )


async def unavailable(request: Request, error: Exception) -> JSONResponse:
    """The answer where database or engine are away, or nobody knows how it ended."""
    # Not the error's own words: a database's may repeat what a row holds.
    full = isinstance(getattr(error, "orig", None), DiskFull)
    if full:
        request.app.state.services.disk.was_full()
    log.warning("unavailable", route=_route(request), error=type(error.__cause__ or error).__name__)
    return problem(
        request,
        type_name=Problem.ENGINE_UNAVAILABLE.value,
        status=503,
        detail=_DISK_FULL if full else _NOT_NOW,
        headers={"Retry-After": "60" if full else "2"},
    )


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(line["loc"] and line["loc"][0] == "path" for line in found):
        return await _refused(request, not_found("page"))
    return await _refused(request, wrong_fields([(field_of(line["loc"]), _message(line)) for line in found]))


def field_of(location: Sequence[str | int]) -> str:
    """A field as people write it: ``answers.preferred_times[0].part``; ``body`` for the body as a whole."""
    place, *parts = location or ("body",)
    field = ""
    for part in parts:
        field += f"[{part}]" if isinstance(part, int) else f".{part}"
    return field.lstrip(".") if parts and not (place == "body" and isinstance(parts[0], int)) else str(place)


def _message(line: Mapping[str, Any]) -> str:
    if line["type"] == "json_invalid":
        return "is not JSON"
    if line["type"] == "missing":
        return "is required"
    if line.get("input") == "":
        return "must not be empty"
    if line["type"] == "extra_forbidden":
        return "is not a field of this request"
    message = str(line["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


async def _protocol(request: Request, error: Exception) -> JSONResponse:
    """What the framework itself refuses: unknown paths, wrong methods, bodies it cannot parse."""
    assert isinstance(error, HTTPException)
    if error.status_code == 400:
        return await _refused(request, wrong_fields([("body", "could not be read")]))
    name = {404: Problem.NOT_FOUND, 405: Problem.NOT_ALLOWED}.get(error.status_code, Problem.VALIDATION_FAILED)
    wrong = {"errors": [{"field": "body", "message": str(error.detail)}]}
    return problem(
        request,
        type_name=name.value,
        status=error.status_code,
        detail=str(error.detail),
        data=wrong if name is Problem.VALIDATION_FAILED else None,
        headers=error.headers,
    )


async def broken(request: Request, error: Exception) -> JSONResponse:
    """The answer where a fault of ours came up, which is logged."""
    log.error("request failed", route=_route(request), exc_info=error)
    return problem(
        request,
        type_name=BROKEN,
        status=500,
        detail="Something broke on our side. It has been logged; please try again.",
    )


def _route(request: Request) -> str:
    """The route's template: paths hold ids and secrets, which logs need not."""
    return route_of(request.scope)
