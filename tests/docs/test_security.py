"""What the page on security claims is held by a test that is there, under the name and in the file that it says."""

import ast
import re

import pytest

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs/security.md").read_text()
HELD_BY = sorted(set(re.findall(r"`(tests/[\w/]+\.py)`:\s+`(test_\w+)`", PAGE)))


def test_it_claims_something() -> None:
    assert len(HELD_BY) > 10
    table = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.endswith("| the test |")]
    assert all(re.search(r"`test_\w+` \|$", line) for line in table), "each line of the table names its test"


@pytest.mark.parametrize(("file", "name"), HELD_BY)
def test_what_it_claims_is_held_by_a_test_that_is_there(file: str, name: str) -> None:
    tree = ast.parse((ROOT / file).read_text())
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
