import pytest

from tests.care.ledger_rows import LedgerRows
from tests.care.rows import Rows


@pytest.fixture
def ledger_rows(rows: Rows) -> LedgerRows:
    return LedgerRows(rows)
