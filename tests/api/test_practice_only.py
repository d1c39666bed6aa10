"""A route that answers with fields for the practice alone leaves out what is unset: null would tell that they exist."""

from collections.abc import Iterator
from typing import Any, get_args

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel

from api.views.base import View, practice_only_fields, signed_in_only_fields


def _models_in(annotation: Any, seen: set[type]) -> Iterator[type[BaseModel]]:
    for part in get_args(annotation):
        yield from _models_in(part, seen)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation not in seen:
        seen.add(annotation)
        yield annotation
        for field in annotation.model_fields.values():
            yield from _models_in(field.annotation, seen)


def _routes(app: FastAPI) -> Iterator[APIRoute]:
    stack: list[Any] = list(app.routes)
    while stack:
        route = stack.pop()
        if isinstance(route, APIRoute):
            yield route
        else:
            stack += getattr(getattr(route, "original_router", route), "routes", [])


def test_what_is_for_the_practice_alone_is_left_out_for_others(whole_app: FastAPI) -> None:
    marked: set[type] = set()
    careless: list[str] = []
    for route in _routes(whole_app):
        own = {
            model
            for model in _models_in(route.response_model, set())
            if issubclass(model, View) and practice_only_fields(model) | signed_in_only_fields(model)
        }
        marked |= own
        if own and not route.response_model_exclude_unset:
            careless.append(f"{route.path}: {', '.join(sorted(model.__name__ for model in own))}")
    assert {"ClientView", "PaymentView", "CreditView", "DocumentView", "NoteView"} <= {one.__name__ for one in marked}
    assert careless == []
