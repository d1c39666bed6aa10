"""The table of differences between ledger and Stripe, compared with the rules."""

import re
from datetime import timedelta

from activities.money.reconcile import USUAL_WINDOW
from activities.money.reconciliation.discrepancies import MOST_DISCREPANCIES
from api.routes.money import reconciliations
from rules.money.discrepancies import HEALED, DiscrepancyKind
from rules.money.reconciliation import STRAY_AFTER, STUCK_AFTER
from tests.docs.pages import ROOT, table, words

RULES = (ROOT / "docs/journey.md").read_text()


def test_every_difference_is_told_with_what_happens() -> None:
    rows = table(RULES, "difference", "the ledger says")
    told = {words(row[0])[0]: row[3] for row in rows}
    assert told.keys() == {kind.value for kind in DiscrepancyKind}
    for kind in DiscrepancyKind:
        assert told[kind].split(":")[0] == ("healed" if kind in HEALED else "task"), kind


def test_times_and_limits_are_those_of_the_code() -> None:
    section = RULES.split("### Comparing with Stripe")[1].split("\n## ")[0]
    days, most = re.search(r"of the last (\d+) days.*?at most (\d+) days", section, re.DOTALL).groups()  # type: ignore[union-attr]
    assert timedelta(days=int(days)) == USUAL_WINDOW == reconciliations.USUAL
    assert timedelta(days=int(most)) == reconciliations.LONGEST
    assert f"More than {MOST_DISCREPANCIES} differences" in section
    rows = {words(row[0])[0]: " ".join(row) for row in table(RULES, "difference", "the ledger says")}
    assert f"more than {STRAY_AFTER // timedelta(hours=1)} h" in rows["stray_intent"]
    for kind in ("stuck_payment", "stuck_refund"):
        assert f"more than {STUCK_AFTER // timedelta(days=1)} day" in rows[kind]
