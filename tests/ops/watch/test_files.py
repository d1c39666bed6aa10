"""Rules, dashboard and runbook: they are well-formed, and say the same."""

import re
from itertools import chain
from pathlib import Path

import yaml

from tests.api.watching.scraped import Scraped
from tests.docs.pages import ROOT
from tests.ops.watch.dashboard import DASHBOARD, expressions, panels
from tests.ops.watch.rules import ALERTS, NAMES, WATCH, fired, metrics_of, needs_promtool, run_promtool

RUNBOOK = (ROOT / "docs/runbook.md").read_text()


@needs_promtool
def test_prometheus_takes_its_files() -> None:
    said = run_promtool("check", "config", "--lint=all", "--lint-fatal", str(WATCH / "prometheus.yaml"))
    assert said.returncode == 0, said.stdout + said.stderr


@needs_promtool
def test_prometheus_takes_each_question_of_the_dashboard(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(expressions())]
    file = tmp_path / "dashboard.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    said = run_promtool("check", "rules", str(file))
    assert said.returncode == 0, said.stdout + said.stderr


@needs_promtool
def test_where_nobody_answers_that_is_what_fires() -> None:
    nobody = {"api": None, "pages": None, "worker": None}
    assert fired(nobody, nobody) == {"ApiDown", "PagesDown", "WorkerDown", "NumbersMissing"}


@needs_promtool
def test_requests_of_whoever_watches_hide_no_fault() -> None:
    def api(*, failed: int, asked: int) -> dict[str, Scraped | None]:
        return {
            "api": Scraped.of(
                f'api_requests_total{{route="/v1/clients",status="500"}} {failed}\n'
                f'api_requests_total{{route="/v1/clients",status="200"}} {asked}\n'
                + "".join(
                    f'api_requests_total{{route="{route}",status="{status}"}} {1000 * (asked + failed)}\n'
                    for route, status in (("/healthz", 200), ("/readyz", 503), ("/metrics", 200))
                )
            )
        }

    assert "ApiErrors" in fired(api(failed=0, asked=1), api(failed=10, asked=11))
    assert "ApiErrors" not in fired(api(failed=0, asked=1), api(failed=0, asked=11))


@needs_promtool
def test_a_schema_that_does_not_fit_is_told_of_where_the_database_answers() -> None:
    def api(database: int, schema: int) -> dict[str, Scraped | None]:
        told = {"database": database, "schema": schema}
        return {"api": Scraped.of("".join(f'api_reachable{{what="{what}"}} {value}\n' for what, value in told.items()))}

    about = {"SchemaDoesNotFit", "DatabaseUnreachable"}
    assert not about & fired(api(1, 1), api(1, 1))
    assert about & fired(api(1, 1), api(1, 0)) == {"SchemaDoesNotFit"}
    assert about & fired(api(1, 1), api(0, 0)) == {"DatabaseUnreachable"}


def test_each_alert_says_what_it_is_and_where_its_lines_are() -> None:
    for alert in ALERTS:
        assert alert["labels"]["severity"] in ("page", "ticket")
        summary = alert["annotations"]["summary"]
        assert re.fullmatch(r"[A-Z{].+\.", summary), summary
        assert alert["annotations"]["runbook"] == f"docs/runbook.md#{alert['alert'].lower()}"
    assert len(ALERTS) == len(NAMES)


def test_the_runbook_has_each_alert_with_what_it_means_and_what_to_do() -> None:
    sections = re.split(r"^### ", RUNBOOK, flags=re.MULTILINE)[1:]
    told = {section.partition("\n")[0]: section.partition("\n")[2].strip() for section in sections}
    assert told.keys() == NAMES
    for alert in ALERTS:
        means, _, to_do = told[alert["alert"]].partition("\n\n")
        assert f"(`{alert['labels']['severity']}`)" in means.replace("\n", " "), alert["alert"]
        assert to_do, alert["alert"]


def test_rules_never_add_up_what_every_server_tells() -> None:
    for expression in chain((alert["expr"] for alert in ALERTS), expressions()):
        assert not re.search(r"(?:sum|avg)[^(]*\((?:rate\()?practice_", expression), expression


def test_no_label_is_asked_for_that_could_name_anybody() -> None:
    asked = set(re.findall(r"by \(([^)]*)\)", " ".join((*(alert["expr"] for alert in ALERTS), *expressions()))))
    assert {label.strip() for labels in asked for label in labels.split(",")} <= {
        *("because", "column", "instance", "kind", "le", "stage", "state"),
        *("status", "vendor", "what", "worker_type", "workflow_type"),
    }


def test_the_dashboard_is_one_that_grafana_can_show() -> None:
    assert DASHBOARD["uid"] == "care-journeys"
    [source] = DASHBOARD["templating"]["list"]
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells, panel["title"]
        taken |= cells
    for panel in panels():
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["targets"]
        assert all(target["datasource"]["uid"] == f"${{{source['name']}}}" for target in panel["targets"])


def test_what_is_alerted_about_is_shown() -> None:
    shown = set().union(*map(metrics_of, expressions()))
    assert set().union(*(metrics_of(alert["expr"]) for alert in ALERTS)) <= shown
