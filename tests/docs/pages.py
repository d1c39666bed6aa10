"""Reading the documentation: its pages, and the tables in them."""

import re
from datetime import timedelta
from pathlib import Path

from pydantic import TypeAdapter

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "sandbox/README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def table(page: str, *header: str) -> list[list[str]]:
    """The rows of the one table whose header begins so."""
    found: list[list[list[str]]] = []
    for block in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in block.splitlines()]
        if tuple(rows[0][: len(header)]) == header:
            found.append(rows[2:])
    assert len(found) == 1, f"{len(found)} tables begin with {header}"
    assert found[0]
    return found[0]


def words(cell: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def durations(cell: str) -> tuple[timedelta, ...]:
    """``P1D,PT1H``; a dash for none."""
    return () if cell == "-" else tuple(TypeAdapter(timedelta).validate_python(part) for part in cell.split(","))
