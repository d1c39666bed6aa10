"""What the dashboard asks Prometheus."""

import json
from typing import Any

from tests.ops.watch.rules import WATCH

DASHBOARD: dict[str, Any] = json.loads((WATCH / "dashboard.json").read_text())


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def expressions() -> list[str]:
    return [target["expr"] for panel in panels() for target in panel["targets"]]
