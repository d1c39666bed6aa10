"""Requests by the API's own description: Schemathesis makes them, ids of what is there are put into them."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import httpx
import requests
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from tests.api.fuzz.two_clients import TwoClients
from tests.care.rows import NOW

Case = schemathesis.Case[Any]
Operation = APIOperation[Any, Any, Any, Any]
# Whose ids the cases of one call name, in turn; None: whatever was made up.
WHOSE = ("sara", "tom", None)
_TIMES = [NOW + timedelta(days=1, hours=3, minutes=30 * number) for number in range(6)]
_INSTANTS = {"starts_at", "not_before"}


def operations_of(app: FastAPI) -> list[Operation]:
    """Every call that the description knows, what takes something away last."""
    described = schemathesis.openapi.from_dict(app.openapi())
    found = list(described.get_all_operations())
    assert all(isinstance(each, Ok) for each in found), "the description itself is wrong"
    calls = [each.ok() for each in found if isinstance(each, Ok)]
    return sorted(calls, key=lambda operation: (operation.method.upper() == "DELETE", operation.label))


def made_up(operation: Operation, *, valid: int, invalid: int, number: int) -> list[Case]:
    """So many cases that the description allows, and so many that it does not. The same ``number`` makes the same."""
    modes = ((GenerationMode.POSITIVE, valid), (GenerationMode.NEGATIVE, invalid))
    return [case for mode, count in modes if count for case in _made(operation, mode, count=count, number=number)]


def _made(operation: Operation, mode: GenerationMode, *, count: int, number: int) -> list[Case]:
    found: list[Case] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def make(case: Case) -> None:
        found.append(case)

    with suppress(Unsatisfiable):  # a call without any parameter cannot be asked wrongly
        make()
    return found


def request_of(case: Case, there: TwoClients, *, who: str, whose: str | None, number: int) -> httpx.Request:
    """The request of a case, by one caller and about what belongs to one of the two clients; ``number`` chooses among
    what there is."""
    parts = {
        part: _named(getattr(case, part), there, whose=whose, number=number)
        for part in ("path_parameters", "query", "body")
    }
    about = case.operation.Case(method=case.method, headers=case.headers, media_type=case.media_type, **parts)
    made = requests.Request(**about.as_transport_kwargs(base_url="http://api")).prepare()
    assert isinstance(made.body, str | bytes | None)
    headers = {name: str(value) for name, value in made.headers.items()} | there.headers[who]
    return httpx.Request(str(made.method), str(made.url), content=made.body, headers=headers)


def _named(part: Any, there: TwoClients, *, whose: str | None, number: int, name: str = "") -> Any:
    if isinstance(part, dict):
        return {key: _named(value, there, whose=whose, number=number, name=str(key)) for key, value in part.items()}
    if isinstance(part, list):
        return [_named(value, there, whose=whose, number=number, name=name) for value in part]
    if name in _INSTANTS and isinstance(part, str) and number % 2 == 0:
        return _TIMES[number % len(_TIMES)].isoformat()
    ids = there.called(name, whose) if whose is not None and isinstance(part, str) else []
    return ids[number % len(ids)] if ids else part
