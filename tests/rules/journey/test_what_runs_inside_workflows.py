"""Rules that run inside workflows say so: whoever changes one must know that running journeys replay it."""

import importlib
import pkgutil

import pytest

from rules import journey

MODULES = [f"{journey.__name__}.{each.name}" for each in pkgutil.iter_modules(journey.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_each_module_says_that_a_change_needs_a_patch_and_a_replay(name: str) -> None:
    said = importlib.import_module(name).__doc__ or ""
    assert "`workflow.patched`" in said
    assert "replay" in said


def test_there_are_some() -> None:
    assert len(MODULES) >= 4
