"""The page about changing a workflow: which rules run inside workflows, and the patches there are."""

import ast
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import grimp

from tests.docs.pages import ROOT
from workflows.patches import PATCHES

PAGE = ROOT / "docs/changing-a-workflow.md"
# Imported, be it through another rule, and of no consequence for what a workflow asks for.
WORDS = {
    "rules.archive.plan": "what an archive of many shows before; the id of a request stands beside it",
    "rules.archive.wording": "of the same",
    "rules.enums": "words, and what is known of each",
    "rules.mail.terms": "of a mail's entry; its step reads them",
    "rules.mail.until": "of the same",
    "rules.money.currencies": "how an amount is shown in the details",
    "rules.money.discrepancies": "what a comparison found; its step says so",
    "rules.plain_text": "how a name is cleaned by the API",
    "rules.policy": "the policy comes with the answer of a step",
    "rules.refusals": "names and sentences of refusals",
}


@cache
def imported() -> frozenset[str]:
    """Every rule that a workflow imports, be it through another rule."""
    graph = grimp.build_graph("workflows", "rules", exclude_type_checking_imports=True)
    left = {module for module in graph.modules if module.partition(".")[0] == "workflows"}
    found = set[str]()
    while left:
        at = left.pop()
        new = {module for module in graph.find_modules_directly_imported_by(at) if module.startswith("rules.")} - found
        found |= new
        left |= new
    return frozenset(found)


def is_marked(module: str) -> bool:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    told = ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))) or ""
    return re.search(r"\bruns? inside workflows\b", told) is not None


def test_what_runs_inside_workflows_says_so() -> None:
    assert {module for module in imported() if not is_marked(module)} == WORDS.keys()


def test_all_of_rules_journey_says_so() -> None:
    modules = {f"rules.journey.{path.stem}" for path in (ROOT / "rules/journey").glob("[!_]*.py")}
    assert {module for module in modules if not is_marked(module)} == set()
    assert is_marked("rules.journey")


def test_the_page_lists_the_patches_there_are() -> None:
    text = PAGE.read_text(encoding="utf-8")
    _, header, listed = text.partition(
        "| patch | workflows | since | what is different | state |\n|---|---|---|---|---|\n"
    )
    assert header
    lines = [line.split("|")[1:-1] for line in listed.splitlines() if line.startswith("|")]
    assert [tuple(cell.strip() for cell in row) for row in lines] == [
        (f"`{one.id}`", ", ".join(f"`{name}`" for name in one.workflows), str(one.since), one.what, one.state.value)
        for one in PATCHES
    ]
    assert ("There are none" in listed) == (not PATCHES)


def test_the_engine_is_asked_about_patches_in_one_place() -> None:
    asking = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "workflows").rglob("*.py")
        if re.search(r"workflow\.(patched|deprecate_patch)\(", path.read_text(encoding="utf-8"))
    }
    assert asking == {"workflows/patches.py"}
