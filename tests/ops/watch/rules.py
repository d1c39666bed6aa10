"""The alert rules, evaluated by Prometheus' own promtool on what was really scraped."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.api.watching.scraped import Sample, Scraped
from tests.docs.pages import ROOT

WATCH = ROOT / "ops/watch"
ALERTS: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((WATCH / "alerts.yaml").read_text())["groups"] for rule in group["rules"]
]
NAMES = frozenset(str(rule["alert"]) for rule in ALERTS)

promtool = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(
    promtool is None and "NEED_PROMTOOL" not in os.environ,
    reason="needs promtool, of the Debian package prometheus",
)

# Metrics are what is no function, keyword or label; PromQL has no simpler sign for them.
_METRIC = re.compile(
    r"\b(?:api|pages|practice|process|temporal|values|worker|workflows)_[a-z_]+\b(?=[\s{\[)]|$)|\bup\b"
)
_GROUPING = re.compile(r"\bby \([^)]*\)")
_BEFORE, _AFTER = 60, 1500  # minutes: as long as a rule looks back, and more than the longest that one waits
_EACH = 4  # minutes from one look of the rules to the next; promtool takes long for more


def run_promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    assert promtool is not None, "NEED_PROMTOOL is set, and there is none"
    return subprocess.run([promtool, *arguments], capture_output=True, text=True, check=False, timeout=60)


def metrics_of(expression: str) -> set[str]:
    return set(_METRIC.findall(_GROUPING.sub("", expression)))


def fired(before: Mapping[str, Scraped | None], after: Mapping[str, Scraped | None]) -> set[str]:
    """The alerts that fire at some time in the day after. Both are by job; None: it did not answer.

    What was scraped before stands for an hour, as it would have; what was scraped after for a day.
    """
    wanted = set().union(*(metrics_of(rule["expr"]) for rule in ALERTS))
    series = [
        {"series": f"{name}{{{_written(labels)}}}", "values": f"{_for(old, _BEFORE)} {_for(new, _AFTER)}"}
        for job in sorted(before)
        for (name, labels), (old, new) in _both(before[job], after[job], wanted, job).items()
    ]
    at = [f"{_BEFORE + minutes}m" for minutes in (2 * _EACH, 3 * _EACH, 5 * _EACH, 11 * _EACH, _AFTER - 3 * _EACH)]
    document = {
        "rule_files": [str(WATCH / "alerts.yaml")],
        "evaluation_interval": f"{_EACH}m",
        "tests": [
            {
                "interval": "1m",
                "input_series": series,
                "alert_rule_test": [
                    {"eval_time": instant, "alertname": name, "exp_alerts": []}
                    for instant in at
                    for name in sorted(NAMES)
                ],
            }
        ],
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "test.yaml"
        file.write_text(yaml.safe_dump(document))
        said = run_promtool("test", "rules", str(file))
    words = said.stdout + said.stderr
    found = set(re.findall(r"alertname: (\w+)", words))
    assert found <= NAMES, words
    assert bool(found) == (said.returncode != 0), words
    return found


def _both(
    before: Scraped | None, after: Scraped | None, wanted: Collection[str], job: str
) -> dict[Sample, tuple[float | None, float | None]]:
    """What each series was and is, with the labels that Prometheus adds, and ``up``, which it makes itself."""
    added = {("job", f"care-{job}"), ("instance", job)}
    both: dict[Sample, tuple[float | None, float | None]] = {
        ("up", frozenset(added)): (float(before is not None), float(after is not None))
    }
    old, new = (scraped.numbers if scraped is not None else {} for scraped in (before, after))
    for name, labels in old.keys() | new.keys():
        if name in wanted:
            both[name, labels | added] = (old.get((name, labels)), new.get((name, labels)))
    return both


def _written(labels: Iterable[tuple[str, str]]) -> str:
    return ",".join(f'{name}="{value}"' for name, value in sorted(labels))


def _for(value: float | None, minutes: int) -> str:
    return f"_x{minutes}" if value is None else f"{value:g}+0x{minutes - 1}"
