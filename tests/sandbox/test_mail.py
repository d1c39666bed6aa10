"""What the SendGrid stand-in refuses, and how the outbox looks to a person."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sandbox.process import ROOT, Sandbox

HEADERS = {"Authorization": "Bearer SG.x"}


def a_mail(**changes: Any) -> dict[str, Any]:
    mail: dict[str, Any] = {
        "personalizations": [{"to": [{"email": "sara@example.org", "name": "Sara"}]}],
        "from": {"email": "care@example.org"},
        "subject": "Hello",
        "content": [{"type": "text/plain", "value": "Hello"}, {"type": "text/html", "value": "<p>Hello</p>"}],
        "categories": ["welcome"],
    }
    return {name: value for name, value in {**mail, **changes}.items() if value is not None}


def attached(**changes: str) -> list[dict[str, str]]:
    return [{"content": "SGk=", "filename": "a.txt", "type": "text/plain", **changes}]


def send(sandbox: Sandbox, mail: Any) -> httpx.Response:
    return httpx.post(sandbox.sendgrid + "/v3/mail/send", json=mail, headers=HEADERS, trust_env=False)


@pytest.mark.parametrize(
    ("mail", "field"),
    [
        ([], None),
        (a_mail(personalizations=None), "personalizations"),
        (a_mail(personalizations=[{}]), "personalizations.0.to"),
        (a_mail(personalizations=[{"to": [{"email": "nope"}]}]), "personalizations.0.to.0.email"),
        (
            a_mail(personalizations=[{"to": [{"email": "a@b.org"}, {"email": "A@b.org"}]}]),
            "personalizations.0",
        ),
        (a_mail(**{"from": None}), "from.email"),
        (a_mail(**{"from": {"email": "nope"}}), "from.email"),
        (a_mail(subject=""), "subject"),
        (a_mail(content=None), "content"),
        (a_mail(content=[{"type": "text/html", "value": ""}]), "content.0.value"),
        (
            a_mail(content=[{"type": "text/html", "value": "x"}, {"type": "text/plain", "value": "x"}]),
            "content",
        ),
        (a_mail(content=[{"type": "text/html; charset=x", "value": "x"}]), "content.0.type"),
        (a_mail(attachments=attached(content="not base64!")), "attachments.0.content"),
        (a_mail(attachments=attached(filename="")), "attachments.0.filename"),
        (a_mail(attachments=attached(type="text/calendar; method=REQUEST; charset=x")), "attachments.0.type"),
        (a_mail(attachments=attached(disposition="somewhere")), "attachments.0.disposition"),
        (a_mail(headers={"Subject": "x"}), "headers.Subject"),
        (a_mail(categories=["x"] * 11), "categories"),
        (a_mail(custom_args={"n": 1}), "custom_args"),
    ],
)
def test_a_bad_mail_is_refused_by_field(sandbox: Sandbox, mail: Any, field: str | None) -> None:
    before = sandbox.get("/outbox")
    answer = send(sandbox, mail)
    assert answer.status_code == 400
    assert [problem["field"] for problem in answer.json()["errors"]] == [field]
    assert sandbox.get("/outbox") == before


def test_a_key_is_needed(sandbox: Sandbox) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic SG.x"}):
        answer = httpx.post(sandbox.sendgrid + "/v3/mail/send", json=a_mail(), headers=headers, trust_env=False)
        assert answer.status_code == 401
        assert answer.json()["errors"]


def test_the_outbox_for_programs_and_people(sandbox: Sandbox) -> None:
    evil = '"><script>alert(1)</script>'
    assert send(sandbox, a_mail(attachments=attached(type="text/calendar; method=CANCEL"))).status_code == 202
    sent = send(
        sandbox,
        a_mail(subject=evil, content=[{"type": "text/html", "value": f"<p>{evil}</p>"}], categories=None),
    )
    assert sent.headers["x-message-id"]
    first, second = sandbox.get("/outbox")
    assert first["attachments"] == [{"filename": "a.txt", "type": "text/calendar; method=CANCEL", "content": "Hi"}]
    assert (first["template"], second["template"], second["text"]) == ("welcome", None, None)

    page = httpx.get(sandbox.url + "/", trust_env=False)
    assert page.headers["content-type"].startswith("text/html")
    assert page.text.index(second["id"]) < page.text.index(first["id"])  # newest first
    shown = httpx.get(f"{sandbox.url}/outbox/{second['id']}", trust_env=False).text
    assert "sandbox=" in shown
    assert "<script>" not in page.text + shown
    assert (
        "Mails to sara@example.org (2)"
        in httpx.get(sandbox.url + "/outbox/page", params={"to": "sara@example.org"}, trust_env=False).text
    )
    assert httpx.get(f"{sandbox.url}/outbox/nothere", trust_env=False).status_code == 404


def test_a_state_file_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "state.db"
    broken.write_text("this is no database, and long enough to be seen as none" * 20)
    command = [sys.executable, "-m", "sandbox", "--state", str(broken)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert "cannot be used" in done.stderr
    assert "Traceback" not in done.stderr
