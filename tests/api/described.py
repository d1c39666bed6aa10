"""The API's description, held against every answer that a test of the API gets."""

from re import Pattern
from typing import Any

import httpx
import jsonschema_rs
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from api.problems import MEDIA_TYPE

Json = dict[str, Any]


class Described:
    """Which statuses each call may be answered with, and with which problems."""

    def __init__(self, app: FastAPI) -> None:
        document = app.openapi()
        self._components = document["components"]
        self._validators: dict[str, Any] = {}
        self._calls: list[tuple[str, Pattern[str], Json]] = [
            (method, context.path_regex, document["paths"][context.path][method.lower()]["responses"])
            for context in iter_route_contexts(app.routes)
            for method in context.methods or ()
            if method.lower() in document["paths"].get(context.path, {})
        ]

    async def holds(self, answer: httpx.Response) -> None:
        """For each answer of an httpx client. Raises AssertionError."""
        if answer.status_code == 500:  # a fault that a test has made on purpose: nobody promises one
            return
        asked = answer.request
        for method, path, answers in self._calls:
            if method == asked.method and path.fullmatch(asked.url.path):
                said = f"{method} {path.pattern} is not described as answering {answer.status_code}"
                assert str(answer.status_code) in answers, said
                if answer.headers.get("content-type") == MEDIA_TYPE:
                    await self._is_one_of(answer, answers[str(answer.status_code)], call=f"{method} {path.pattern}")
                return

    async def _is_one_of(self, answer: httpx.Response, described: Json, *, call: str) -> None:
        problem = await _read(answer)
        schema = described["content"][MEDIA_TYPE]["schema"]
        name = problem["type"].rsplit("/", 1)[-1]
        models = [each["$ref"].rsplit("/", 1)[-1] for each in schema.get("oneOf", [schema])]
        by_name = {_end_of(self._components["schemas"][model]): self._components["schemas"][model] for model in models}
        assert name in by_name, f"{call} is not described as refusing {name} with {answer.status_code}"
        problem |= {"type": by_name[name]["properties"]["type"]["const"]}  # a test may say another public_url
        if name not in self._validators:
            self._validators[name] = jsonschema_rs.validator_for({**by_name[name], "components": self._components})
        self._validators[name].validate(problem)


async def _read(answer: httpx.Response) -> Json:
    await answer.aread()
    problem: Json = answer.json()
    return problem


def _end_of(schema: Json) -> str:
    """The name of the problem that a schema is of."""
    return str(schema["properties"]["type"]["const"]).rsplit("/", 1)[-1]
