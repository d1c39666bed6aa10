"""The table of new versions on the page of rules, against the rule."""

import re
from datetime import UTC, datetime

from rules.forms.asking import AskedVersion, intake_to_ask
from rules.policy import JourneyPolicy
from tests.docs.pages import ROOT, table

RULES = (ROOT / "docs/journey.md").read_text()
NOW = datetime(2026, 3, 2, tzinfo=UTC)
GRACE = JourneyPolicy().form_grace


def test_a_new_version_gates_when_the_table_says() -> None:
    rows = table(RULES, "asked for so far", "newest version")
    assert len(rows) == 9
    for so_far, newest, asked_at, waits in rows:
        askings = [_asking(said) for said in so_far.split(";") if said.startswith(("version", " version"))]
        first = asked_at == "the first booking"
        found = intake_to_ask(askings, newest={"consent": int(newest)}, first_booking=first, at=NOW, grace=GRACE)
        assert [_waits(new.gates_from) for new in found] == ([] if "not asked" in waits else [waits]), so_far


def _asking(said: str) -> AskedVersion:
    """``version 1, complete``, ``version 2, open`` or ``version 1, open since the first booking``."""
    [version] = re.findall(r"version (\d)", said)
    first = "first booking" in said
    return AskedVersion(
        kind="consent",
        version=int(version),
        complete="complete" in said,
        gates_from=None if first or "complete" in said else NOW,
    )


def _waits(gates_from: datetime | None) -> str:
    return f"from {(gates_from - NOW).days} days after" if gates_from else "at once"
