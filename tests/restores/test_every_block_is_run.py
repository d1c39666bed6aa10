"""No block of the runbook is left to the worst day: each belongs to a section that a story here follows."""

import re

from tests.restores.runbook import PAGE, blocks
from tests.restores.test_four_restores import RESTORES
from tests.restores.test_wedged_workflow import SECTION as WEDGED


def test_every_block_of_the_runbook_is_run() -> None:
    page = PAGE.read_text()
    [runbook] = re.findall(r"^## Losing a store\n(.*?)(?=^## )", page, re.MULTILINE | re.DOTALL)
    followed = {restore.section for restore in RESTORES.values()} | {WEDGED}
    assert set(re.findall(r"^### (.+)$", runbook, re.MULTILINE)) == followed
    assert runbook.count("\n```\n") == 2 * sum(len(blocks(section)) for section in followed)
