"""`/openapi.json`: what the routes say of themselves, and what none of them has to say: who may call and with what,
the headers, the meaning of every field, and a schema for each problem.
"""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts

from api.description import headers
from api.description.callers import roles_let_in, security_of, sentence_about
from api.description.glossary import Explanation, word_of, word_of_parameter
from api.description.tags import TAGS
from api.explained.schemas import one_of, problem_schemas
from api.idempotency import IdempotentRoute
from api.problems import NAMES, STATUS, before_a_route
from rules.refusals import Problem

Json = dict[str, Any]

_TRY_AGAIN = {"429", "503"}
_NOT_MODIFIED = "304"
_JSON, _FEED = "application/json", "/feed/{secret}.ics"


def describe(app: FastAPI, *, public_url: str) -> Json:
    """The whole description; the API is where the description is."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        contact={"name": "The practice", "url": public_url},
        license_info={"name": "Apache 2.0", "identifier": "Apache-2.0"},
        servers=[{"url": ".", "description": "Where this description is"}],
        tags=[{"name": name, "description": said} for name, said in TAGS.items()],
    )
    components = document["components"]
    schemas = components["schemas"]
    for never_answered in ("HTTPValidationError", "ValidationError"):
        schemas.pop(never_answered, None)
    _explain(schemas)
    _name_problems_in_fields(schemas, public_url=public_url)
    schemas |= problem_schemas(dict(STATUS), public_url=public_url)
    components["parameters"] = headers.PARAMETERS
    components["headers"] = headers.ANSWERED
    routes = {
        (method.lower(), context.path): context.route
        for context in iter_route_contexts(app.routes)
        for method in context.methods or ()
        if hasattr(context.route, "dependant")
    }
    for path, method, call in _calls(document):
        roles = roles_let_in(routes[method, path].dependant)
        call["security"] = security_of(roles)
        said = (call.get("description", ""), sentence_about(f"{method.upper()} {path}", roles))
        call["description"] = "\n\n".join(part for part in said if part)
        keyed = method == "post" and roles is not None
        _name_parameters(call)
        if roles is not None:
            call["parameters"] = [
                *call.get("parameters", ()),
                *([headers.parameter_ref("IdempotencyKey")] if keyed else ()),
                *(headers.parameter_ref(name) for name in headers.FOR_PROGRAMS),
            ]
        route = routes[method, path]
        marked = isinstance(route, IdempotentRoute) and route.marks_its_answers
        if marked and _JSON in call["responses"]["200"].get("content", {}):
            call["responses"][_NOT_MODIFIED] = {"description": "Nothing has changed since."}
        if marked and _NOT_MODIFIED in call["responses"]:
            names = ["IfNoneMatch", *(["IfModifiedSince"] if path.endswith(_FEED) else [])]
            call["parameters"] = [*call.get("parameters", ()), *map(headers.parameter_ref, names)]
        call["responses"] = {**before_a_route(), **call["responses"]}
        for status, answer in call["responses"].items():
            also = [Problem.IDEMPOTENCY_KEY_REUSED] if keyed and status == "422" else []
            _name_problems(answer, also=also, public_url=public_url)
            _name_headers(answer, status=status, keyed=keyed)
            if _NOT_MODIFIED in call["responses"] and status in {"200", _NOT_MODIFIED}:
                marks = headers.ON_FEEDS if path.endswith(_FEED) else headers.ON_ANSWERS_WITH_A_MARK
                answer["headers"] |= headers.answered(marks)
    return document


def _calls(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            yield path, method, call


def _explain(schemas: dict[str, Json]) -> None:
    """The meaning of each field, and an example, where its model has not said so itself."""
    for model, schema in schemas.items():
        for field, said in schema.get("properties", {}).items():
            said.pop("title", None)  # generated from the name: it says nothing
            word = word_of(model, field)
            if word is not None:
                _say(said, word)


def _say(said: Json, word: Explanation) -> None:
    said.setdefault("description", word.meaning)
    if word.example is not None and "examples" not in said and not _lists_its_values(said):
        said["examples"] = [word.example]


def _lists_its_values(said: Json) -> bool:
    """Or has parts of its own, which have examples of theirs."""
    options = [option.get("items", option) for option in said.get("anyOf", [said])]
    return said.get("type") == "null" or any({"$ref", "enum", "const"} & option.keys() for option in options)


def _name_parameters(call: Json) -> None:
    for parameter in call.get("parameters", ()):
        word = word_of_parameter(parameter["name"])
        parameter.get("schema", {}).pop("title", None)
        if word is not None:
            parameter.setdefault("description", word.meaning)
            if word.example is not None and not _lists_its_values(parameter["schema"]):
                parameter.setdefault("example", word.example)


def _name_problems(answer: Json, *, also: list[Problem], public_url: str) -> None:
    for content in answer.get("content", {}).values():
        names = content.get("schema", {}).get(NAMES)
        if names is not None:
            content["schema"] = one_of([*(Problem(name) for name in names), *also], public_url=public_url)


def _name_problems_in_fields(schemas: dict[str, Json], *, public_url: str) -> None:
    """Where an answer says what another call would be refused with, or null."""
    for schema in schemas.values():
        for said in schema.get("properties", {}).values():
            names = said.pop(NAMES, None)
            if names is not None:
                said["anyOf"] = [one_of(names, public_url=public_url), {"type": "null"}]


def _name_headers(answer: Json, *, status: str, keyed: bool) -> None:
    wanted = dict(headers.ON_EVERY_ANSWER)
    if status in _TRY_AGAIN:
        wanted |= headers.ON_REFUSALS_FOR_NOW
    if keyed and status.startswith("2"):
        wanted |= headers.ON_ANSWERS_TO_KEYS
    answer["headers"] = {**headers.answered(wanted), **answer.get("headers", {})}
