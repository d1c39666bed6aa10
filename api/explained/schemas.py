"""Each problem as a JSON schema of its own, told apart by ``type``."""

from collections.abc import Iterable
from typing import Any

from api.explained import access, booking, records, requests
from api.explained.explained import Explained, Json, ref
from rules.refusals import Problem

EXPLAINED: dict[Problem, Explained] = {
    **requests.EXPLAINED,
    **access.EXPLAINED,
    **booking.EXPLAINED,
    **records.EXPLAINED,
}

BROKEN = "internal-error"
_REQUEST_ID = "0d1b8b2e-7a9f-4f0e-9d3c-1f2a3b4c5d6e"


def schema_name(name: str) -> str:
    """``slot-taken`` -> ``SlotTakenProblem``."""
    return "".join(part.capitalize() for part in name.split("-")) + "Problem"


def title_of(name: str) -> str:
    return name.replace("-", " ").capitalize()


def address_of(name: str, *, public_url: str) -> str:
    """What ``type`` says: the page that explains the problem."""
    return f"{public_url}/problems/{name}"


def example_of(name: Problem, status: int, *, public_url: str) -> Json:
    """The document as the example's request would be answered."""
    explained = EXPLAINED[name]
    return {
        "type": address_of(name, public_url=public_url),
        "title": title_of(name),
        "status": status,
        "detail": explained.detail,
        **{key: member.example for key, member in explained.members.items() if member.always},
        "request_id": _REQUEST_ID,
    }


def problem_schemas(statuses: dict[Problem, int], *, public_url: str) -> dict[str, Json]:
    """By schema name."""
    return {schema_name(name): _schema(name, status, public_url=public_url) for name, status in statuses.items()}


def one_of(names: Iterable[str], *, public_url: str) -> Json:
    """Any of these problems."""
    listed = sorted(set(names))
    refs = {name: ref(schema_name(name)) for name in listed}
    if len(listed) == 1:
        return refs[listed[0]]
    mapping = {address_of(name, public_url=public_url): refs[name]["$ref"] for name in listed}
    return {"oneOf": list(refs.values()), "discriminator": {"propertyName": "type", "mapping": mapping}}


def _schema(name: Problem, status: int, *, public_url: str) -> Json:
    explained = EXPLAINED[name]
    own: dict[str, Any] = {
        key: {**member.schema, "description": member.meaning, "examples": [member.example]}
        for key, member in explained.members.items()
    }
    return {
        "title": schema_name(name),
        "type": "object",
        "description": f"{explained.meaning} {explained.remedy}",
        "required": ["type", "title", "status", "detail", "request_id", *_always(explained)],
        "properties": {
            "type": {"const": address_of(name, public_url=public_url), "description": "Which problem it is."},
            "title": {"type": "string", "description": "Its name, to be read.", "examples": [title_of(name)]},
            "status": {"type": "integer", "description": "HTTP's.", "examples": [status]},
            "detail": {"type": "string", "description": "Why, in a sentence.", "examples": [explained.detail]},
            "request_id": {
                "type": "string",
                "description": "As in the header `Request-Id`.",
                "examples": [_REQUEST_ID],
            },
            **own,
        },
        "examples": [example_of(name, status, public_url=public_url)],
    }


def _always(explained: Explained) -> list[str]:
    return [key for key, member in explained.members.items() if member.always]
