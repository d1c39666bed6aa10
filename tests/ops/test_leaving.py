"""Commands that cannot do their work end with a sentence and the exit code 2, and change nothing."""

import os
import subprocess
import sys

import pytest
from sqlalchemy.engine import make_url

from local.processes import ROOT

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"  # where nothing listens
COMMANDS = (
    ("ops.invite", "new@practice.example"),
    ("ops.keys", "list"),
    ("ops.second_factor", "new@practice.example"),
    ("ops.restored",),
    ("ops.expire_accesses",),
    ("ops.verify",),
    ("ops.backup", "never-made.backup"),
    ("models.migrate",),
)
WITHOUT_A_WORD = ("ops.restored", "ops.reencrypt", "ops.unreadable", "models.migrate")


def run(url: str, *command: str) -> tuple[int, str, list[str]]:
    said = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT, env={**os.environ, "DATABASE_URL": url, "DATABASE_OWNER_URL": url},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return said.returncode, said.stdout, said.stderr.splitlines()


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_database_that_is_away_is_told_in_a_sentence(command: tuple[str, ...]) -> None:
    code, printed, [sentence] = run(NOWHERE, *command)
    assert (code, printed) == (2, "")
    assert sentence.startswith("The database cannot be used: connection")


def test_a_database_without_our_tables_is_told_in_a_sentence(database_url: str) -> None:
    other = make_url(database_url).set(database="postgres").render_as_string(hide_password=False)
    assert run(other, "ops.keys", "list") == (
        2,
        "",
        ['The database cannot be used: relation "program_key" does not exist'],
    )


@pytest.mark.parametrize("command", WITHOUT_A_WORD)
def test_who_asks_what_a_command_does_is_told_and_nothing_is_done(command: str) -> None:
    code, printed, complaints = run(NOWHERE, command, "--help")
    assert (code, complaints) == (0, [])
    assert printed.startswith(f"usage: python -m {command}")


@pytest.mark.parametrize("command", WITHOUT_A_WORD)
def test_a_word_that_a_command_does_not_know_is_refused(command: str) -> None:
    code, printed, complaints = run(NOWHERE, command, "--dry-run")
    assert (code, printed) == (2, "")
    assert complaints[-1] == f"python -m {command}: error: unrecognized arguments: --dry-run"
