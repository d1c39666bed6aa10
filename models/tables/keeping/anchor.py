"""Anchors: the heads of all chains, day by day, as they were told to somebody outside. Rows are only ever added."""

import datetime as dt
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from models.columns import Instant


class Anchor(SQLModel, table=True):
    """An entry of the chain of anchors (`rules.chain.Entry`). ``chains`` were there, and ``heads`` of them had changed
    since the anchor before; ``root`` covers those, and the root before. Whoever has the programs' role can add a row,
    but not sign it: so none is believed before its signature was looked at, and the date is not unique."""

    __tablename__ = "anchor"
    # PostgreSQL knows instants that Python cannot read, as infinity: one such row would stop whoever reads it.
    __table_args__ = (
        CheckConstraint("date BETWEEN '2000-01-01' AND '9999-12-30'", name="anchor_date_can_be_read"),
        CheckConstraint("at BETWEEN '2000-01-01Z' AND '9999-12-30Z'", name="anchor_at_can_be_read"),
    )

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    date: dt.date  # in UTC
    at: dt.datetime = Field(sa_type=Instant)
    epoch: UUID
    chains: int
    heads: int
    root: str = Field(max_length=64)
    key_id: str = Field(max_length=100)
    previous_key_id: str | None = Field(default=None, max_length=100)
    previous_hash: str = Field(max_length=64)
    hash: str = Field(max_length=64)


class AnchoredHead(SQLModel, table=True):
    """A head that an anchor covers, with its own signature (`rules.anchors.AnchorHead`). It refers to no row: it is to
    stay, and to tell, when those have gone."""

    __tablename__ = "anchored_head"
    __table_args__ = (Index("heads_of_client", "client_id", "anchor"),)

    anchor: int = Field(primary_key=True)
    client_id: UUID = Field(primary_key=True)
    seq: int
    hash: str = Field(max_length=64)
    follows: UUID | None = None
    key_id: str = Field(max_length=100)
    mac: str = Field(max_length=64)
