"""The stand-ins as a program that is told of events: what verifies is kept and counted, what does not is refused."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from tests.sandbox.process import ROOT, Sandbox

SECRET, OTHER = "whsec_" + "YWJj" * 8, "whsec_" + "ZGVm" * 8


def message(id: str, *, secret: str = SECRET, kind: str = "card.saved") -> tuple[str, dict[str, str]]:
    body, now = json.dumps({"id": id, "kind": kind}), datetime.now(UTC)
    headers = {"webhook-id": id, "webhook-timestamp": str(int(now.timestamp()))}
    return body, headers | {"webhook-signature": Webhook(secret).sign(id, now, body)}


def tell(sandbox: Sandbox, body: str, headers: dict[str, str]) -> int:
    url = f"{sandbox.url}/webhooks"
    return httpx.post(url, content=body, headers=headers, trust_env=False).status_code


@pytest.fixture
def known(sandbox: Sandbox) -> Sandbox:
    learned = httpx.post(f"{sandbox.url}/webhooks/_secret", json={"secret": SECRET}, trust_env=False)
    assert learned.status_code == 200
    return sandbox


def received(sandbox: Sandbox) -> dict[str, Any]:
    listed = httpx.get(f"{sandbox.url}/webhooks", trust_env=False).json()
    return {each["id"]: each for each in listed}


def test_what_verifies_is_shown_and_counted(known: Sandbox) -> None:
    body, headers = message("1")
    assert [tell(known, body, headers) for _ in range(2)] == [204, 204]
    kept = received(known)["1"]
    assert (kept["verified"], kept["times"], kept["body"]["kind"]) == (True, 2, "card.saved")
    page = httpx.get(f"{known.url}/webhooks/page", trust_env=False).text
    assert "card.saved" in page
    assert "2 times" in page


def test_what_does_not_is_refused_and_nothing_of_it_is_shown(known: Sandbox) -> None:
    body, headers = message("2", secret=OTHER, kind="forged<b>")
    assert tell(known, body, headers) == 400
    body, headers = message("3")
    assert tell(known, body.replace("card", "cart"), headers) == 400
    assert tell(known, body, {}) == 400
    assert tell(known, "\xff", {"webhook-id": "4", "webhook-timestamp": "x", "webhook-signature": "v1"}) == 400
    assert not {"2", "3", "4"} & received(known).keys()
    assert "forged" not in httpx.get(f"{known.url}/webhooks/page", trust_env=False).text


def test_what_is_no_secret_is_refused_by_name(sandbox: Sandbox) -> None:
    for wrong in ({"secret": ""}, {"secret": "whsec_"}, {}, {"secret": 1}):
        answer = httpx.post(f"{sandbox.url}/webhooks/_secret", json=wrong, trust_env=False)
        assert answer.status_code == 400, wrong


def test_the_lines_that_the_page_shows_verify() -> None:
    page = (Path(ROOT) / "docs" / "webhooks.md").read_text()
    lines = page.split("```\nfrom standardwebhooks", 1)[1].split("```", 1)[0]
    taken: list[Any] = []
    place: dict[str, Any] = {"SECRET": SECRET, "later": taken.append}
    exec(f"from standardwebhooks{lines}", place)  # noqa: S102 - what is shown is what is run
    body, headers = message("7")
    assert place["receive"](body.encode(), headers) == 204
    assert place["receive"](body.encode() + b" ", headers) == 400
    assert [event["id"] for event in taken] == ["7"]
