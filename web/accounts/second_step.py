"""The second factor, beside a password, a mailed link or a sign-in at the provider: asked for by a refusal of the API,
and shown with the same form."""

import json
from dataclasses import dataclass
from typing import Any

from web.asking.problems import SECOND_FACTOR, ApiRefused
from web.sent import Sent


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What can be shown: ``totp``, ``passkey``, ``recovery_code``; and with what a browser is asked for a passkey."""

    factors: tuple[str, ...]
    options: dict[str, Any] | None

    @classmethod
    def by(cls, refused: ApiRefused, sent: Sent) -> "Wanted | None":
        """None where no factor is asked for; one that was asked for before is asked for still."""
        if refused.name == SECOND_FACTOR:
            said = refused.document
            return cls(factors=tuple(said.get("factors", ())), options=said.get("passkey_options"))
        before = sent.all("asks")
        return cls(factors=tuple(before), options=None) if before else None


def shown_factor(sent: Sent) -> dict[str, Any]:
    """The passkey, or the code: one of both."""
    passkey = shown_passkey(sent.get("passkey"))
    return {"passkey": passkey} if passkey is not None else sent.given("code")


def shown_passkey(text: str) -> dict[str, Any] | None:
    """What a browser answered, as the API takes it. None where it is nothing, or nothing of the kind."""
    try:
        shown = json.loads(text)
    except ValueError:
        return None
    return shown if isinstance(shown, dict) else None
