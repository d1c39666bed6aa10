"""Addresses that are keys stand in no log: every link that mails have, whoever is asked for it."""

from typing import Any

import pytest

from activities.practice import Links
from api.middleware import HideSecrets
from rules.accounts.sides import AccountSide

TOKEN = "cj_a-token-that-nobody-should-read"
LINKS = Links(public_url="https://care.test")


@pytest.mark.parametrize(
    "link",
    [
        LINKS.activation(TOKEN),
        LINKS.invitation(TOKEN),
        LINKS.join(TOKEN),
        LINKS.unsubscribe(TOKEN),
        *(LINKS.reset(TOKEN, side) for side in AccountSide),
        *(LINKS.new_address(TOKEN, side) for side in AccountSide),
        f"https://care.test/v1/password-resets/{TOKEN}",
        f"https://care.test/v1/activations/{TOKEN}",
        f"https://care.test/v1/therapists/ana/feed/{TOKEN}.ics",
    ],
)
async def test_no_link_that_is_a_key_is_there_once_it_was_answered(link: str) -> None:
    scope: dict[str, Any] = {"type": "http", "path": link.removeprefix("https://care.test")}

    async def asked(scope: Any, receive: Any, send: Any) -> None:
        assert TOKEN in scope["path"]
        await send({"type": "http.response.start"})

    async def server(_: Any) -> None:
        assert TOKEN not in scope["path"]
        assert TOKEN not in scope["raw_path"].decode()

    async def nothing() -> Any:
        raise AssertionError

    await HideSecrets(asked)(scope, nothing, server)
    assert scope["path"].endswith("/hidden")
