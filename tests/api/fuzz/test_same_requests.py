"""The made-up requests are the same, whatever else was imported: what fails is the change's doing."""

import json
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import settings
from hypothesis.internal.conjecture import providers

from tests.api.fuzz.cases import made_up, operations_of
from tests.conftest import PROFILE

MOST = 30  # calls that are looked at
CONSTANTS = [*range(1_000_003, 1_000_403), *(f"a constant of ours {number}" for number in range(400))]


def _all(app: FastAPI) -> str:
    cases = [case for call in operations_of(app)[:MOST] for case in made_up(call, valid=4, invalid=2, number=0)]
    parts: Any = [(case.path_parameters, case.query, case.headers, case.body) for case in cases]
    return json.dumps(parts, default=repr)


def _import_constants(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if another test of this run had imported a module of the product's."""
    file = folder / "ours.py"
    file.write_text("\n".join(f"{name!r}" for name in CONSTANTS))
    spec = spec_from_file_location("ours", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(__import__("sys").modules, "ours", module)


@pytest.mark.skipif(PROFILE != "steady", reason="another profile looks for other examples")
def test_what_is_imported_makes_no_other_requests(
    whole_app: FastAPI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings().derandomize
    first = _all(whole_app)
    assert _all(whole_app) == first
    _import_constants(tmp_path, monkeypatch)
    assert _all(whole_app) == first
    assert len(providers._get_local_constants()) == 0
