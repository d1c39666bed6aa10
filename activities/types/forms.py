"""Asking for forms, and completing them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from activities.types.words import WORDS
from rules.accounts.caller import Caller


@dataclass(frozen=True, kw_only=True)
class FormSubmission:
    """The answers to an intake form, in the version that was asked for. Those of Billing Info also save the card, which
    one of ``setup_intent`` and ``checkout_session`` names. ``version``: of the form, as the client was shown it;
    ``consent_version``: of the fee policy that was shown with it. ``network``: from where they came, an address that
    was cut."""

    request_id: str
    client_id: str
    by: Caller
    kind: str
    answers: dict[str, Any] = field(default_factory=dict, metadata=WORDS)
    signature: str = field(default="", metadata=WORDS)
    network: str | None = field(default=None, metadata=WORDS)  # no words, but nothing for the engine either
    setup_intent: str | None = None
    checkout_session: str | None = None
    consent_version: str | None = None
    version: int | None = None
    handed_in: str | None = None

    @property
    def names_card(self) -> bool:
        """Whoever has a card, and signs again, need not give it again."""
        return bool(self.setup_intent or self.checkout_session)


@dataclass(frozen=True, kw_only=True)
class FormCompletion:
    """The answers to a form that the practice has made and asked for; ``form_id`` names the asking, ``network`` from
    where they came, an address that was cut."""

    request_id: str
    client_id: str
    by: Caller
    form_id: str
    answers: dict[str, Any] = field(default_factory=dict, metadata=WORDS)
    signature: str = field(default="", metadata=WORDS)
    network: str | None = field(default=None, metadata=WORDS)
    handed_in: str | None = None


@dataclass(frozen=True, kw_only=True)
class FormAsking:
    """Ask the client for a form that the practice has made; its newest version counts."""

    request_id: str
    client_id: str
    by: Caller
    kind: str


@dataclass(frozen=True, kw_only=True)
class GateOrder:
    """The grace of a form that was asked for again passes at this instant."""

    client_id: str
    at: datetime
