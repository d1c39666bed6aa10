"""The outbox (transactional): mails, and errands at Stripe, each written in the transaction of the change that causes
it. Once it is settled a row stays as the record of what was sent: one row per reason, so that a reason is mailed once.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, Identity, Index, text
from sqlmodel import Field, SQLModel

from models.columns import Document, Instant, word


class OutboxKind(StrEnum):
    MAIL = "mail"
    LOOK_FOR_DOUBLE = "look_for_double"  # see whether the address that was given is known
    CANCEL_INTENT = "cancel_intent"  # at Stripe, so that no old link still pays
    SEND_REFUND = "send_refund"


class OutboxStatus(StrEnum):
    WAITING = "waiting"
    CLAIMED = "claimed"  # by a delivery that runs; surely not sent yet
    SENDING = "sending"  # on its way, or nobody knows; with ``sent_at`` it was sent, and is to be told of
    SENT = "sent"
    DONE = "done"  # an errand
    NOT_WANTED = "not_wanted"
    UNDELIVERABLE = "undeliverable"
    UNCERTAIN = "uncertain"  # perhaps sent; not sent again, because one missing reminder is better than two
    UNWRITABLE = "unwritable"  # it cannot be composed; a task tells the care team


class OutboxItem(SQLModel, table=True):
    """``key`` is the reason, in stable ids. ``order`` says what it is about, in ids alone: for a mail it is a
    `rules.mail.orders.MailOrder`. Its deliverer is the workflow of the appointment, if one is named, else the client's
    journey; of what belongs to no client, PracticeMail. ``next_try_at``: empty while it is not to be tried (an archive
    put it off)."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("outbox_of_client", "client_id", "seq"),
        Index("outbox_with_address", "made_at", postgresql_where=text("recipient <> ''")),
        Index("outbox_waiting", "next_try_at", postgresql_where=text("status IN ('waiting', 'claimed', 'sending')")),
    )

    key: str = Field(primary_key=True, max_length=200)
    seq: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), nullable=False))  # order of making
    kind: OutboxKind = Field(sa_type=word(OutboxKind, name="outbox_kind"))
    template: str = Field(default="", max_length=60)  # of a mail
    client_id: UUID | None = Field(default=None, foreign_key="client.id")  # none: a mail of the practice's own
    appointment_id: UUID | None = Field(default=None, foreign_key="appointment.id")
    order: dict[str, Any] = Field(sa_type=Document)
    vital: bool = False  # sent again after an ambiguous failure
    status: OutboxStatus = Field(default=OutboxStatus.WAITING, sa_type=word(OutboxStatus, name="outbox_status"))
    made_at: datetime = Field(sa_type=Instant)
    next_try_at: datetime | None = Field(default=None, sa_type=Instant)
    tries: int = 0
    sent_at: datetime | None = Field(default=None, sa_type=Instant)
    reader: str = Field(default="client", max_length=20)  # whom a mail is meant for: a rules.mail.terms.Reader
    recipient: str = ""  # the address that a mail goes to, once it was composed; kept while something may come of it
    message_id: str | None = Field(default=None, index=True)

    @property
    def went_out(self) -> bool:
        """The mail service has taken it, whether its client's timeline tells of it already or not yet."""
        return self.status is OutboxStatus.SENT or (self.status is OutboxStatus.SENDING and self.sent_at is not None)


UNSETTLED = (OutboxStatus.WAITING, OutboxStatus.CLAIMED, OutboxStatus.SENDING)
