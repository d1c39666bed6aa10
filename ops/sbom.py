"""The software bill of materials (CycloneDX, JSON) of what the programs run on, to standard output. Asks no network.

    python -m ops.sbom > sbom.json

CycloneDX's own tool lists what is installed; of that, what ``requirements.txt`` pins is for running, and the rest is
left out. Exit code 1: what is installed is not what is pinned.
"""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.ending import end

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.txt"
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;]+)", re.MULTILINE)


def pinned(lock: Path = LOCK) -> dict[str, str]:
    """The versions that a lock pins, by normalized name."""
    return {normalized(name): version for name, version in _PINNED.findall(lock.read_text())}


def normalized(name: str) -> str:
    """As indexes compare names (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def bill() -> dict[str, Any]:
    """Raises OSError or CalledProcessError where the tool is not there, ValueError for another version than pinned."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--of", "JSON", "--output-reproducible"]
    listed = subprocess.run(  # noqa: S603 - a fixed list
        [*command, "--pyproject", str(ROOT / "pyproject.toml"), sys.executable],
        check=True,
        capture_output=True,
        text=True,
    )
    return for_running(json.loads(listed.stdout), pinned())


def for_running(document: Mapping[str, Any], versions: Mapping[str, str]) -> dict[str, Any]:
    """The same document without what no pin names. Raises ValueError for another version than the pinned one."""
    kept = [each for each in document["components"] if normalized(each["name"]) in versions]
    for each in kept:
        if each["version"] != versions[normalized(each["name"])]:
            raise ValueError(f"{each['name']} {each['version']} is installed, and another version is pinned")
    refs = {each["bom-ref"] for each in kept} | {document["metadata"]["component"]["bom-ref"]}
    edges = [_among(edge, refs) for edge in document["dependencies"] if edge["ref"] in refs]
    return {**document, "components": kept, "dependencies": edges}


def _among(edge: Mapping[str, Any], refs: set[str]) -> dict[str, Any]:
    needed = [ref for ref in edge.get("dependsOn", ()) if ref in refs]
    return {"ref": edge["ref"], **({"dependsOn": needed} if needed else {})}


def main() -> int:
    try:
        told = bill()
    except (subprocess.CalledProcessError, ValueError) as error:
        print(getattr(error, "stderr", None) or error, file=sys.stderr)
        return 1
    print(json.dumps(told, indent=2, sort_keys=True))
    return 0


if __name__ == "__main__":
    end(main())
