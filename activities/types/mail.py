"""Mails: orders of the outbox."""

from dataclasses import dataclass, field
from datetime import datetime

from rules.journey.stage import JourneyFacts
from rules.mail.kinds import MAILS, Mail


@dataclass(frozen=True, kw_only=True)
class MailOrder:
    """One mail for one reason. ``key`` is made of stable ids and says the reason; it is claimed before sending.

    Made by `mail_order`; ``template`` is the name of its kind, which tells ``to`` (a `rules.mail.terms.Reader`) and
    whether it is ``vital``: sent again after an ambiguous failure; others rather not twice. ``only_if_starts_at``
    drops a reminder whose appointment has moved or is no longer on. ``by_client`` and ``moves`` tell of a change:
    whose wish it was, and when each appointment began before (by id). ``asked_for`` mails answer a person who waits
    for them, and go out even while the client is archived. ``offer_id`` names the time that a waitlist offers,
    ``form_id`` one form that is asked for, ``form_ids`` intake forms that are asked for again. ``goals`` are those
    that a reminder is about (by id), each with the instant since when its reminder stands. ``share_id`` names what
    was shared, ``chat_id`` the chat in which a message waits.
    """

    key: str
    template: str
    client_id: str
    to: str = "client"
    appointment_ids: tuple[str, ...] = ()
    payment_id: str | None = None
    therapist: str | None = None
    only_if_starts_at: datetime | None = None
    vital: bool = False
    text: str = ""
    by_client: bool = False
    moves: dict[str, datetime] = field(default_factory=dict)
    asked_for: bool = False
    offer_id: str | None = None
    form_id: str | None = None
    form_ids: tuple[str, ...] = ()
    goals: dict[str, datetime] = field(default_factory=dict)
    chat_id: str | None = None
    share_id: str | None = None


def mail_order(mail: Mail, *, key: str, client_id: str) -> MailOrder:
    """An order as its kind wants it. The rows that it is about (``MAILS[mail].ids``) are added with `replace`."""
    kind = MAILS[mail]
    return MailOrder(key=key, template=mail.value, client_id=client_id, to=kind.to.value, vital=kind.vital)


@dataclass(frozen=True, kw_only=True)
class MailResult:
    """``status``: ``sent``, ``already_sent``, ``not_wanted`` (with why), ``uncertain`` or ``undeliverable``.

    ``facts`` come along where the mail opened a task.
    """

    status: str
    because: str = ""
    facts: JourneyFacts | None = None
