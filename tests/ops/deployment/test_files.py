"""The files of a deployment: their syntax, and that they hold together with one another, the settings and the code."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema_rs
import pytest

from config import Settings, examine, read_settings
from config.meanings import MEANINGS
from config.production import NEEDED_IN_PRODUCTION
from local.processes import ROOT
from ops.deployment.fill import FILES, OWNER, PAGES, SETTINGS, main
from tests.local.environment import PRODUCTION, bare_environment, given
from tests.ops.deployment.reading import (
    HERE,
    UNITS,
    compose,
    copied,
    environment,
    instructions,
    run_by,
    unit,
    value_of,
)
from web.settings import WebSettings, refusals

__all__ = ["bare_environment"]

SCHEMA = Path(__file__).with_name("compose-spec.json")  # of github.com/compose-spec/compose-spec, Apache-2.0
EXAMPLE = HERE / f"{SETTINGS}.example"
OF_PAGES = HERE / f"{PAGES}.example"
OWNERS = HERE / f"{OWNER}.example"
PROGRAMS = ("worker-1", "worker-2", "api", "pages")
FROM_VENDORS = ("STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET", "SENDGRID_API_KEY", "SENDGRID_WEBHOOK_PUBLIC_KEY")
BY_HAND = {
    **{name: PRODUCTION[name] for name in FROM_VENDORS},
    "EMAIL_FROM": "care@practice.test", "INSURANCE_EMAIL": "insurance@practice.test",
    "CARE_TEAM_EMAIL": "team@practice.test", "ANCHOR_EMAIL": "notary@elsewhere.test",
    "PUBLIC_URL": "https://care.test", "API_PUBLIC_URL": "https://api.care.test", "ALLOWED_HOSTS": "api.care.test",
}  # fmt: skip

# ---------------------------------------------------------------- the settings


def test_the_example_has_everything_that_production_needs_with_its_meaning() -> None:
    named = environment(OF_PAGES) | environment(EXAMPLE)
    needed = set(NEEDED_IN_PRODUCTION) | {"ENVIRONMENT", "ANCHOR_EMAIL", "ANCHOR_FILE", "SITE_API_KEY", "API_URL"}
    assert needed <= named.keys()
    known = {name.upper() for program in (Settings, WebSettings) for name in program.model_fields} | {
        "TEMPORAL_ADDRESS"
    }
    assert named.keys() <= known
    lines = [*OF_PAGES.read_text().splitlines(), *EXAMPLE.read_text().splitlines()]
    for name in named.keys() - {"SITE_API_KEY", "API_URL"}:
        [at] = [number for number, line in enumerate(lines) if line.startswith(f"{name}=")]
        assert lines[at - 1] == f"# {MEANINGS['engine' if name == 'TEMPORAL_ADDRESS' else name.lower()]}"
    assert "DATABASE_OWNER_URL" not in named
    assert "DATABASE_OWNER_URL" in environment(OWNERS)


def test_the_pages_get_what_they_read_and_no_other_secret() -> None:
    """By file, by container and by service; and nothing that they read stands in the other file."""
    read = {name.upper() for name in WebSettings.model_fields}
    assert environment(OF_PAGES).keys() <= read
    assert environment(EXAMPLE).keys() & read == set()
    assert compose()["services"]["pages"]["env_file"] == PAGES
    [of_pages] = [path for path in UNITS if "pages" in path.name]
    assert unit(of_pages).get("Service", "EnvironmentFile") == f"/etc/care-journeys/{PAGES}"
    optional = {name for name in read if name in re.findall(r"[A-Z_]+", OF_PAGES.read_text())}
    assert {"STAFF_URL", "OIDC_ISSUER", "PRACTICE_COLOUR", "VIDEO_ROOM_URL"} <= optional


def test_a_value_with_signs_is_written_so_that_both_read_it() -> None:
    [told] = re.findall(r"^#   PRACTICE_NAME=(.*)$", OF_PAGES.read_text(), re.MULTILINE)
    assert value_of(told) == "Practice #1 at $5"
    with pytest.raises(AssertionError):
        value_of(told.strip("'"))


def test_no_password_stands_among_arguments() -> None:
    """Which everybody on a machine can read."""
    told = (HERE / "roles.sh").read_text()
    command = told.partition("\npsql ")[2].partition("<<")[0]
    assert "PASSWORD" not in command
    assert set(re.findall(r"^\\getenv \w+ (\w+)$", told, re.MULTILINE)) == {"CARE_OWNER_PASSWORD", "CARE_APP_PASSWORD"}


def test_what_is_written_needs_only_what_a_person_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(tmp_path) == 0
    said = capsys.readouterr().out
    written = environment(tmp_path / PAGES) | environment(tmp_path / SETTINGS)
    for name in BY_HAND.keys() - {"ANCHOR_FILE"}:
        assert written[name] == ""
        assert name in said
    assert all(environment(tmp_path / OWNER).values())
    assert {oct((tmp_path / name).stat().st_mode)[-3:] for name in FILES} == {"600"}
    given(monkeypatch, **{name: value for name, value in {**written, **BY_HAND}.items() if value})
    assert read_settings().production
    assert refusals() == []
    assert main(tmp_path) == 2, "nothing is written over"
    assert environment(tmp_path / PAGES) | environment(tmp_path / SETTINGS) == written


def test_the_pages_start_with_their_own_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main(tmp_path)
    given(monkeypatch, **{**environment(tmp_path / PAGES), "PUBLIC_URL": BY_HAND["PUBLIC_URL"]})
    assert refusals() == []


def test_everything_that_is_still_empty_is_named_by_the_doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main(tmp_path)
    written = environment(tmp_path / PAGES) | environment(tmp_path / SETTINGS)
    given(monkeypatch, **written)
    _, problems = examine(written)
    assert {problem.split(" ")[0] for problem in problems} == {
        *(name for name in NEEDED_IN_PRODUCTION if not written[name]),
        "ANCHOR_EMAIL",
    }


def test_it_is_written_by_any_python_without_a_package(tmp_path: Path) -> None:
    code = (
        f"import runpy, sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv = ['fill', {str(tmp_path)!r}];"
        " runpy.run_module('ops.deployment.fill', run_name='__main__')"
    )
    command = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# ---------------------------------------------------------------- containers


def test_the_compose_file_is_one_by_its_specification() -> None:
    validator = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text()))
    assert [f"{list(error.instance_path)}: {error.message}" for error in validator.iter_errors(compose())] == []


def test_its_services_hold_together() -> None:
    document = compose()
    services, volumes = document["services"], document["volumes"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services, name
            if how["condition"] == "service_completed_successfully":
                assert re.fullmatch(r"no|on-failure:\d", services[other]["restart"])
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[other]
        if name != "machine":
            assert service["network_mode"] == "service:machine"
            assert "ports" not in service
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert (HERE / source).exists() if source.startswith(".") else source in volumes
        assert not re.search(r":latest$", service["image"])
        assert ":" in service["image"]
    assert {name for name in PROGRAMS if OWNER in services[name]["env_file"]} == set(), "the owner's are not theirs"
    assert {name for name in PROGRAMS if services[name]["image"] != "care-journeys:${RELEASE:-local}"} == set()
    wanted = set(re.findall(r"\$\{(\w+):\?\}", (HERE / "compose.yaml").read_text()))
    assert wanted <= environment(OF_PAGES).keys() | environment(EXAMPLE).keys() | environment(OWNERS).keys()


def test_the_image_has_files_that_are_there_and_nobody_is_root_in_it() -> None:
    steps = instructions()
    assert [source for source, _ in copied() if not source.exists()] == []
    users = [words for name, words in steps if name == "USER"]
    assert users == [["care"]]
    assert [name for name, _ in steps][-1] == "CMD"
    installs = " ".join(" ".join(words) for name, words in steps if name == "RUN")
    assert "--require-hashes -r requirements.txt" in installs
    assert "requirements-dev" not in installs
    assert "compileall" in installs, "whoever may not write would compile a workflow's files at each of its runs"
    let_in = re.findall(r"^!(\S+)$", (HERE / "Containerfile.dockerignore").read_text(), re.MULTILINE)
    assert {source.name for source, _ in copied()} == set(let_in)


def test_the_version_of_the_engine_is_the_one_that_is_tested() -> None:
    said = subprocess.run(
        [str(Path(sys.executable).with_name("temporal")), "--version"], capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"Server (\S+), UI ([\d.]+)", said)
    assert found
    images = {service["image"] for service in compose()["services"].values()}
    assert {
        f"temporalio/server:{found[1]}",
        f"temporalio/admin-tools:{found[1]}",
        f"temporalio/ui:{found[2]}",
    } <= images


def test_the_proxy_leads_to_the_programs() -> None:
    caddy = (HERE / "Caddyfile").read_text()
    assert set(re.findall(r"reverse_proxy (\S+)", caddy)) == {
        f"127.0.0.1:{Settings.model_fields['api_port'].default}",
        f"127.0.0.1:{WebSettings.model_fields['web_port'].default}",
    }
    assert caddy.count("{\n") == caddy.count("}\n")
    assert set(re.findall(r"\{\$(\w+)\}", caddy)) == {"PUBLIC_URL", "API_PUBLIC_URL"}


def test_the_page_names_services_that_are_there() -> None:
    walk = (ROOT / "docs/production.md").read_text().partition("## Deployed in an hour")[2].partition("\n## ")[0]
    named = re.findall(r"docker compose (?:exec|run)(?: -\S+)* (\S+)", walk)
    assert len(named) >= 4
    assert set(named) <= compose()["services"].keys()
    started = set(re.findall(r"care-journeys-[\w.@-]+", "\n".join(re.findall(r"^systemctl .*$", walk, re.MULTILINE))))
    files = {re.sub(r"@\.service$", "@", path.name).removesuffix(".service") for path in UNITS}
    assert {re.sub(r"@\d$", "@", name) for name in started} <= files


# ---------------------------------------------------------------- services


def test_services_and_containers_run_the_same() -> None:
    services = compose()["services"]
    of_containers = {name: " ".join(services[name]["command"]) for name in (*PROGRAMS, "migrate", "register")}
    of_units = {path.name: run_by(path) for path in UNITS}
    assert of_units["care-journeys-worker@.service"] == [of_containers["worker-1"]] == [of_containers["worker-2"]]
    assert of_units["care-journeys-api.service"] == [of_containers["api"]]
    assert of_units["care-journeys-pages.service"] == [of_containers["pages"]]
    assert of_units["care-journeys-migrate.service"] == [of_containers["migrate"], of_containers["register"]]
    for path in UNITS:
        if path.suffix == ".service":
            files = unit(path).get("Service", "EnvironmentFile").splitlines()
            alone = "migrate" in path.name or "backup" in path.name
            assert ("/etc/care-journeys/owner.env" in files) == alone


def test_old_backups_go_once_there_is_a_new_one() -> None:
    prune = "-mindepth 1 -maxdepth 1 -mtime +30 -exec rm -rf {} +"
    [in_container] = [word for word in compose()["services"]["backup"]["command"] if "ops.backup" in word]
    made, _, then = in_container.partition(" && ")
    assert "ops.backup /backups/" in made
    assert then == f"find /backups/ {prune}"
    [makes, removes] = run_by(HERE / "systemd/care-journeys-backup.service")  # the second only where the first succeeds
    assert "ops.backup /var/lib/care-journeys-backups/" in makes
    assert removes == f"/usr/bin/find /var/lib/care-journeys-backups/ {prune}"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_every_unit(tmp_path: Path) -> None:
    python = tmp_path / "opt/.venv/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    files: list[str] = []
    for path in UNITS:
        text = re.sub(r"^Documentation=.*\n", "", path.read_text(), flags=re.MULTILINE)
        one = tmp_path / path.name.replace("@.", "@1.")
        one.write_text(text.replace("/opt/care-journeys", str(tmp_path / "opt")))
        files.append(str(one))
    command = ["systemd-analyze", "verify", "--man=no", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "care-journeys" in line]
    assert ours == []
