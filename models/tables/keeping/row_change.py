"""What has changed, noted by triggers in the transaction of the change (change data capture)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from models.columns import Instant, word
from rules.changes import ChangedKind

OF_THE_PRACTICE = UUID(int=0)


class RowChange(SQLModel, table=True):
    """A transaction (``xid``) changed something of a client; ``OF_THE_PRACTICE`` is what is no client's.

    Only inserted, under its own transaction's number: so no two transactions ever wait for each other here. ``item``:
    the id of what ``kind`` says, or nought. ``shown``: the client side may see what has changed. ``at``: by the
    database's own clock, which a movable one leaves alone: it measures what lies between two programs.
    """

    __tablename__ = "row_change"
    __table_args__ = (
        Index("changes_in_order", "xid"),
        Index("changes_of_item", "kind", "item", "at"),
        Index("changes_in_time", "kind", "at"),
    )

    client_id: UUID = Field(primary_key=True)
    xid: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    kind: ChangedKind = Field(primary_key=True, sa_type=word(ChangedKind, name="row_change_kind"))
    item: UUID = Field(primary_key=True)
    shown: bool = Field(primary_key=True)
    at: datetime = Field(sa_type=Instant)
