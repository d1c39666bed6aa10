"""What stands in ``models/reads`` reads: it adds, changes and deletes no row, and takes no lock."""

import re
from pathlib import Path

import pytest

READS = Path(__file__).parents[2] / "models" / "reads"
WRITES = re.compile(r"session\.(add|add_all|delete|flush|merge)\(|\b(insert|update|delete)\(|with_for_update")

# The stage, which every step computes from the facts.
STILL = {"journey.py"}


@pytest.mark.parametrize("name", sorted(str(path.relative_to(READS)) for path in READS.rglob("*.py")))
def test_reads_write_nothing(name: str) -> None:
    found = WRITES.search((READS / name).read_text())
    assert found is None or name in STILL, f"models/reads/{name} writes: {found.group()}"
