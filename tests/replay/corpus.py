"""The corpus: every recorded history, by the name of its file: story, workflow and number of the run."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from temporalio.client import WorkflowHistory

HISTORIES = Path(__file__).parent / "histories"


@cache
def corpus() -> Mapping[str, WorkflowHistory]:
    """Read once; nobody may change one. Empty only where nothing was ever recorded."""
    return MappingProxyType({path.stem: read(path) for path in sorted(HISTORIES.glob("*.json"))})


def read(path: Path) -> WorkflowHistory:
    document = json.loads(path.read_text(encoding="utf-8"))
    return WorkflowHistory.from_json(document["workflow_id"], document["history"])


def story_of(name: str) -> str:
    return name.partition(".")[0]
