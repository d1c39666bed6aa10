"""The settings that workflows go by, as they were told to them: one row whenever they have changed."""

from datetime import datetime
from typing import Any

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
