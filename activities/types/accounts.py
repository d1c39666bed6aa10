"""Who sent a message, and who asked for an end."""

from dataclasses import dataclass

from rules.accounts.caller import Caller, Voucher


@dataclass(frozen=True, kw_only=True)
class MessageLook:
    """A message of this name that does not say who sends it, or only claims to. An update is found by its own id; a
    signal by when it was taken in: when the history of the run had so many ``events``."""

    workflow_id: str
    run_id: str
    message: str
    request: str  # its id, which the voucher is for
    content: str  # a digest of what it asks, which the voucher is for as well
    update_id: str | None = None
    events: int = 0


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Whoever sent it, as far as the engine tells, with a voucher for the step that acts on it: of a signal's actor,
    of an update's caller."""

    by: Caller
    voucher: Voucher


@dataclass(frozen=True, kw_only=True)
class CancellationLook:
    """Somebody asked the engine to cancel the workflow of a client, or of an appointment."""

    workflow_id: str
    run_id: str
    client_id: str | None = None
    appointment_id: str | None = None
