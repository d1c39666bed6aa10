"""Anchors: the heads of all chains, day by day, as they were told to somebody outside. Rows are only ever added."""

import datetime as dt
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.columns import Instant


class Anchor(SQLModel, table=True):
    """An entry of the chain of anchors (`rules.chain.Entry`). ``chains`` were there, and ``heads`` of them had changed
    since the anchor before; ``root`` covers those, and the root before."""

    __tablename__ = "anchor"

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    date: dt.date = Field(unique=True)  # in UTC
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
