"""Mails: one row per reason. The key is claimed before anything is sent, so that a reason is mailed once."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.columns import Instant, word


class MailStatus(StrEnum):
    CLAIMED = "claimed"  # on its way, or nobody knows
    SENT = "sent"
    UNDELIVERABLE = "undeliverable"
    UNCERTAIN = "uncertain"  # perhaps sent; not sent again, because one missing reminder is better than two


class SentMail(SQLModel, table=True):
    __tablename__ = "mail"

    key: str = Field(primary_key=True, max_length=200)
    template: str = Field(max_length=60)
    client_id: UUID = Field(foreign_key="client.id", index=True)
    recipient: str
    reader: str = Field(default="client", max_length=20)  # whom it is meant for: client, therapist or care_team
    status: MailStatus = Field(sa_type=word(MailStatus, name="mail_status"))
    claimed_at: datetime = Field(sa_type=Instant)
    sent_at: datetime | None = Field(default=None, sa_type=Instant)
    message_id: str | None = Field(default=None, index=True)
