"""Webhooks: addresses of programs that are told of events, and what was delivered to each (transactional outbox)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, text
from sqlmodel import Field, SQLModel

from models.columns import Document, Instant, Words, word
from models.sealed import SealedSecret, SealedText
from rules.events.webhooks import DeliveryState, EndpointOff, EndpointSide


class WebhookRecord(SQLModel, table=True):
    """``kinds``: of `rules.events.kinds.EventKind`; none: all that its side may know of. ``cursor``: the id of the
    event up to which deliveries were made. ``former_secret`` signs too, until ``former_until``; ``rotation_id`` is the
    request that rotated it: said again, because its answer was lost, it rotates nothing once more.

    Its workflow runs while it is on. ``removed_at``: it is nobody's any more, and its deliveries stay.
    """

    __tablename__ = "webhook_endpoint"
    __table_args__ = (
        CheckConstraint("(off_because IS NULL) = (off_at IS NULL)", name="off_for_a_reason"),
        CheckConstraint("(former_secret IS NULL) = (former_until IS NULL)", name="former_secret_ends"),
    )

    id: UUID = Field(primary_key=True)
    url: str = Field(sa_type=SealedText)  # an address may hold a secret of the program's
    side: EndpointSide = Field(sa_type=word(EndpointSide, name="endpoint_side"))
    kinds: list[str] = Field(default_factory=list, sa_type=Words)
    secret: str = Field(sa_type=SealedSecret, repr=False)
    former_secret: str | None = Field(default=None, sa_type=SealedSecret, repr=False)
    former_until: datetime | None = Field(default=None, sa_type=Instant)
    rotation_id: UUID | None = None
    cursor: int
    made_at: datetime = Field(sa_type=Instant)
    made_by: str
    off_at: datetime | None = Field(default=None, sa_type=Instant)
    off_because: EndpointOff | None = Field(default=None, sa_type=word(EndpointOff, name="endpoint_off"))
    removed_at: datetime | None = Field(default=None, sa_type=Instant)

    @property
    def is_on(self) -> bool:
        return self.off_at is None and self.removed_at is None


class WebhookDelivery(SQLModel, table=True):
    """One event for one endpoint, until the event is not kept any more. Deliveries of a ``lane`` go in order: those of
    one client, those of no client, a test by itself.

    ``next_try_at``: none, where it was delivered, or is not tried any more by itself. ``tries``: the newest, each with
    ``at``, ``status`` or ``reason``, and ``took_ms``. ``tried`` counts since the last replay.
    """

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        Index("webhook_waiting", "endpoint_id", "lane", "event_id", postgresql_where=text("state = 'waiting'")),
        Index("webhook_deliveries", "endpoint_id", "made_at", "id"),
        CheckConstraint("state = 'waiting' OR next_try_at IS NULL", name="next_try_of_what_waits"),
    )

    id: UUID = Field(primary_key=True)
    endpoint_id: UUID = Field(foreign_key="webhook_endpoint.id")
    event_id: int | None = Field(  # none: a test
        default=None,
        sa_type=Integer,
        sa_column_args=(ForeignKey("event.id", ondelete="CASCADE"),),
        sa_column_kwargs={"index": True},
    )
    lane: UUID
    state: DeliveryState = Field(sa_type=word(DeliveryState, name="delivery_state"))
    made_at: datetime = Field(sa_type=Instant)
    tried: int = 0
    first_try_at: datetime | None = Field(default=None, sa_type=Instant)
    next_try_at: datetime | None = Field(default=None, sa_type=Instant)
    delivered_at: datetime | None = Field(default=None, sa_type=Instant)
    tries: list[dict[str, Any]] = Field(default_factory=list, sa_type=Document)
