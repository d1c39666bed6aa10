"""The order of a mail: what it is about, in ids. It is kept in the outbox until the mail is sent, and after.

`mail_order` runs inside workflows: docs/changing-a-workflow.md says how it is changed.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime

from rules.mail.kinds import MAILS, Mail
from rules.mail.terms import Reader

LINKED = "linked"  # the change of an appointment that is joined by another link


@dataclass(frozen=True, kw_only=True)
class MailOrder:
    """One mail for one reason. ``key`` is made of stable ids and says the reason; it is claimed before sending.
    ``client_id`` is empty in a mail of the practice's own, which is about no client.

    Made by `mail_order`; ``template`` is the name of its kind, which tells ``to`` (a `rules.mail.terms.Reader`) and
    whether it is ``vital``: sent again after an ambiguous failure; others rather not twice. ``only_if_starts_at``
    drops a reminder whose appointment has moved or is no longer on. ``by_client`` and ``moves`` tell of a change:
    whose wish it was, and when each appointment began before (by id). ``asked_for`` mails answer a person who waits
    for them, and go out even while the client is archived. ``offer_id`` names the time that a waitlist offers,
    ``form_id`` one form that is asked for, ``form_ids`` intake forms that are asked for again. ``goals`` are those
    that a reminder is about (by id), each with the instant since when its reminder stands. ``share_id`` names what
    was shared, ``chat_id`` the chat in which a message waits, ``chat_seq`` the number of the newest.
    """

    key: str
    template: str
    client_id: str
    to: str = Reader.CLIENT.value
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
    chat_seq: int = 0
    share_id: str | None = None
    account_id: str | None = None

    @property
    def is_of_what_is_on(self) -> bool:
        """It tells of a change after which its appointments are still on: those that are not any more are left out."""
        return bool(self.moves) or self.text == LINKED

    @property
    def about(self) -> frozenset[str]:
        """The rows that it names: of two mails about one of them, the later must not overtake the earlier."""
        named = (*self.appointment_ids, *self.form_ids, self.form_id, self.payment_id)
        return frozenset(id for id in named if id is not None)


def account_mail_order(mail: Mail, *, key: str, account_id: str, client_id: str | None) -> MailOrder:
    """An order about an account, to whoever has it; ``client_id``: of a client's, or whom it tells of."""
    order = mail_order(mail, key=key, client_id=client_id or "")
    return replace(order, account_id=account_id, to=Reader.ACCOUNT.value)


def mail_order(mail: Mail, *, key: str, client_id: str, asked_for: bool = False) -> MailOrder:
    """An order as its kind wants it. The rows that it is about (``MAILS[mail].ids``) are added with `replace`."""
    kind = MAILS[mail]
    return MailOrder(
        key=key,
        template=mail.value,
        client_id=client_id,
        to=kind.to.value,
        vital=kind.vital,
        asked_for=asked_for,
    )
