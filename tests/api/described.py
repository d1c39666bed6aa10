"""The API's description, held against every answer that a test of the API gets."""

from re import Pattern

import httpx
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts


class Described:
    """Which statuses each call may be answered with."""

    def __init__(self, app: FastAPI) -> None:
        paths = app.openapi()["paths"]
        self._calls: list[tuple[str, Pattern[str], set[int]]] = [
            (method, context.path_regex, {int(status) for status in paths[context.path][method.lower()]["responses"]})
            for context in iter_route_contexts(app.routes)
            for method in context.methods or ()
            if method.lower() in paths.get(context.path, {})
        ]

    async def holds(self, answer: httpx.Response) -> None:
        """For each answer of an httpx client. Raises AssertionError."""
        if answer.status_code == 500:  # a fault that a test has made on purpose: nobody promises one
            return
        asked = answer.request
        for method, path, statuses in self._calls:
            if method == asked.method and path.fullmatch(asked.url.path):
                said = f"{method} {path.pattern} is not described as answering {answer.status_code}"
                assert answer.status_code in statuses, said
                return
