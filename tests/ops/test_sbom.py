"""What the programs run on: pinned for them alone, with nothing that only tests need, and told by a command."""

import ast
import json
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from ops.sbom import LOCK, ROOT, for_running, normalized, pinned

DEV_LOCK = ROOT / "requirements-dev.txt"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# The local stack, its stories and the tools are for whoever has the checkout with everything.
PRODUCT = (
    "activities",
    "api",
    "calendars",
    "config",
    "engine",
    "models",
    "ops",
    "papers",
    "rules",
    "sandbox",
    "web",
    "workflows",
)
PROGRAMS = ("server.py", "website.py", "worker.py")


def named(requirements: list[str]) -> set[str]:
    return {normalized(line.split("==")[0].split("[")[0]) for line in requirements}


def imported() -> dict[str, Path]:
    """The top-level names that the product imports, each with a file that does."""
    files = [*(ROOT / name for name in PROGRAMS), *(file for room in PRODUCT for file in (ROOT / room).rglob("*.py"))]
    found: dict[str, Path] = {}
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0]: file for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found[node.module.partition(".")[0]] = file
    return found


def test_every_import_of_the_product_is_served_by_the_runtime_lock() -> None:
    provided_by, versions = metadata.packages_distributions(), pinned()
    own = {*PRODUCT, *(name.removesuffix(".py") for name in PROGRAMS), *sys.stdlib_module_names}
    unserved = {
        name: str(file.relative_to(ROOT))
        for name, file in imported().items()
        if name not in own and not any(normalized(each) in versions for each in provided_by.get(name, ()))
    }
    assert unserved == {}


def test_the_runtime_lock_has_what_the_project_depends_on_and_nothing_of_the_groups() -> None:
    versions, groups = pinned(), PROJECT["dependency-groups"]
    assert named(PROJECT["project"]["dependencies"]) <= versions.keys()
    assert not named(groups["dev"] + groups["local"]) & versions.keys()
    for name in ("pytest", "mypy", "ruff", "hypothesis", "playwright", "localstripe", "aiohttp", "pip"):
        assert name not in versions


def test_what_is_tested_is_what_runs() -> None:
    """The other lock is this one and more."""
    assert pinned().items() <= pinned(DEV_LOCK).items()
    assert named([line for group in PROJECT["dependency-groups"].values() for line in group]) <= pinned(DEV_LOCK).keys()


@pytest.mark.parametrize("lock", [LOCK, DEV_LOCK], ids=lambda lock: lock.name)
def test_every_pin_has_its_hashes(lock: Path) -> None:
    text = lock.read_text()
    entries = [entry for entry in text.replace("\\\n", " ").splitlines() if entry.strip()]
    assert entries
    assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)
    assert "://" not in text


def test_the_bill_lists_what_is_installed_for_running() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "ops.sbom"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    bill: dict[str, Any] = json.loads(told.stdout)
    assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == ("CycloneDX", "care-journeys")
    listed = {normalized(each["name"]): each["version"] for each in bill["components"]}
    installed = {normalized(each.metadata["Name"]) for each in metadata.distributions()}
    assert listed == {name: version for name, version in pinned().items() if name in installed}
    assert named(PROJECT["project"]["dependencies"]) <= listed.keys()
    assert all(each["purl"].startswith("pkg:pypi/") for each in bill["components"])
    refs = {each["bom-ref"] for each in bill["components"]} | {"root-component"}
    assert {ref for edge in bill["dependencies"] for ref in (edge["ref"], *edge.get("dependsOn", ()))} <= refs


def test_another_version_than_the_pinned_one_is_no_bill() -> None:
    root = {"component": {"bom-ref": "root"}}
    document = {"components": [{"name": "A.b", "version": "2", "bom-ref": "x"}], "dependencies": [], "metadata": root}
    assert for_running(document, {"a-b": "2"})["components"] == document["components"]
    with pytest.raises(ValueError, match=r"A\.b 2 is installed"):
        for_running(document, {"a-b": "1"})
