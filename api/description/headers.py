"""Headers of requests and answers, each described once."""

from typing import Any

from api.accounts.on_behalf import HEADER as ON_BEHALF_OF
from api.idempotency import HEADER as IDEMPOTENCY_KEY
from api.reading.conditional import HEADER as IF_NONE_MATCH

Json = dict[str, Any]


def _header(name: str, description: str, schema: Json, example: Any) -> Json:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": schema,
        "example": example,
    }


PARAMETERS: dict[str, Json] = {
    "IdempotencyKey": _header(
        IDEMPOTENCY_KEY,
        "The same key with the same body and query gets the same answer for 24 hours, and does nothing twice. Make one "
        "for each thing that somebody does, and keep it for every try.",
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"},
        "b7c8d0e2-4f0a-4f3b-9a51-5f7a3d8c9e10",
    ),
    "OnBehalfOf": _header(
        ON_BEHALF_OF,
        "Beside a program's key: for whom it speaks. `Bearer`, and a client's pass or a person's token.",
        {"type": "string", "maxLength": 500},
        "Bearer k3T9wq1nS8sZ7m2dF0yQeA",
    ),
    "Visitor": _header(
        "Visitor",
        "Beside a program's key: a mark of whoever looks, the same for the same visitor, which names nobody. Budgets "
        "count by it.",
        {"type": "string", "minLength": 1, "maxLength": 64},
        "v_5c1e9b2d",
    ),
    "VisitorNetwork": _header(
        "Visitor-Network",
        "Beside a program's key: the visitor's network address, cut to /24 or /48.",
        {"type": "string", "maxLength": 64},
        "203.0.113.0/24",
    ),
}
PARAMETERS["IfNoneMatch"] = _header(
    IF_NONE_MATCH,
    "The `ETag` of an answer that is known already: while it still holds, the answer is 304, without a body.",
    {"type": "string", "maxLength": 8000},
    'W/"vq83vEjRWeJA"',
)
PARAMETERS["IfModifiedSince"] = _header(
    "If-Modified-Since",
    "The `Last-Modified` of a calendar that is known already. Where `If-None-Match` is there, that counts alone.",
    {"type": "string", "maxLength": 40},
    "Tue, 08 Dec 2026 14:30:00 GMT",
)
FOR_PROGRAMS = ("OnBehalfOf", "Visitor", "VisitorNetwork")

ANSWERED: dict[str, Json] = {
    "RequestId": {
        "description": "The request's id: it stands in logs, in the access log, and in problem documents.",
        "schema": {"type": "string"},
        "example": "0d1b8b2e-7a9f-4f0e-9d3c-1f2a3b4c5d6e",
    },
    "RetryAfter": {
        "description": "After so many seconds the same request may be sent again.",
        "schema": {"type": "integer", "minimum": 0},
        "example": 2,
    },
    "Replayed": {
        "description": "`true`, where the answer is one that was given before to the same `Idempotency-Key`.",
        "schema": {"type": "string"},
        "example": "true",
    },
}
ANSWERED["ETag"] = {
    "description": "A mark of this answer for whoever asked, to be sent back as `If-None-Match`. Opaque: two marks of "
    "one answer may differ.",
    "schema": {"type": "string"},
    "example": 'W/"vq83vEjRWeJA"',
}
ANSWERED["LastModified"] = {
    "description": "Since when the calendar has this content, to be sent back as `If-Modified-Since`.",
    "schema": {"type": "string"},
    "example": "Tue, 08 Dec 2026 14:30:00 GMT",
}
ON_EVERY_ANSWER = {"Request-Id": "RequestId"}
ON_ANSWERS_WITH_A_MARK = {"ETag": "ETag"}
ON_FEEDS = {"ETag": "ETag", "Last-Modified": "LastModified"}
ON_REFUSALS_FOR_NOW = {"Retry-After": "RetryAfter"}
ON_ANSWERS_TO_KEYS = {"Idempotent-Replayed": "Replayed"}


def parameter_ref(name: str) -> Json:
    return {"$ref": f"#/components/parameters/{name}"}


def answered(names: dict[str, str]) -> Json:
    return {header: {"$ref": f"#/components/headers/{component}"} for header, component in names.items()}
