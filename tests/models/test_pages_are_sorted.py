"""A page goes on behind the last row of the one before: of a statement that is not sorted, rows are missed."""

import ast
from pathlib import Path

import pytest

READS = Path(__file__).parents[2] / "models" / "reads"


def _readers_of_pages() -> dict[str, str]:
    found = {}
    for path in sorted(READS.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef) and node.name != "one_page":
                body = ast.get_source_segment(source, node) or ""
                if "one_page(" in body:
                    found[f"{path.relative_to(READS)}:{node.name}"] = body
    return found


READERS = _readers_of_pages()


@pytest.mark.parametrize("reader", READERS)
def test_who_reads_pages_sorts_them(reader: str) -> None:
    assert ".order_by(" in READERS[reader]
