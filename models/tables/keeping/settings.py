"""The settings that workflows go by: as they were told to them, and as the programs have them that run the keeper."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from models.columns import Document, Instant


class SettingsRow(SQLModel, table=True):
    """The one with the highest number is in force, ``since`` a round of the keeper first saw it. ``policy`` is what
    ``rules.journey.settings.followed`` leaves of it. ``tellings``: how many rounds have told all that run."""

    __tablename__ = "settings"

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    policy: dict[str, Any] = Field(sa_type=Document)
    since: datetime = Field(sa_type=Instant)
    tellings: int = 0


class SettingsSeen(SQLModel, table=True):
    """What rounds of the keeper have found, one after the other, in the last day: as many as ``rounds`` in a row found
    these, the last one by the worker ``seen_by``. With one row, all programs have had the same for a day."""

    __tablename__ = "settings_seen"

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    policy: dict[str, Any] = Field(sa_type=Document)
    rounds: int = 1
    seen_at: datetime = Field(sa_type=Instant)
    seen_by: str
    keeping_id: UUID
