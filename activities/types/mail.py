"""Deliveries of the outbox."""

from dataclasses import dataclass, field
from datetime import datetime

from rules.journey.stage import JourneyFacts
from rules.mail.orders import MailOrder


@dataclass(frozen=True, kw_only=True)
class DeliverOrder:
    """Deliver what is due for an appointment's workflow, or, where none is named, for the client's journey.

    ``due`` are reminders whose time has come: they are put into the outbox first. ``goals``: the instant, by id, for
    which each goal is reminded of.
    """

    client_id: str
    appointment_id: str | None = None
    due: tuple[MailOrder, ...] = ()
    goals: dict[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """``deliver_at``: when something is due next. ``facts`` come along to a journey where something changed for it;
    ``version`` is the number of the client's newest fact, which may tell of mails alone."""

    deliver_at: datetime | None
    facts: JourneyFacts | None = None
    version: int = 0
