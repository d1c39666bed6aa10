"""The matching form in the practice's own words, by version: what it calls concerns, genders and insurances."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from models.columns import Document, Instant


class FormWords(SQLModel, table=True):
    """Each list has ``{"code", "name"}``, in the order in which it is shown. The newest version counts."""

    __tablename__ = "form_words"

    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    concerns: list[dict[str, Any]] = Field(sa_type=Document)
    genders: list[dict[str, Any]] = Field(sa_type=Document)
    insurances: list[dict[str, Any]] = Field(sa_type=Document)
    made_by: str
    made_at: datetime = Field(sa_type=Instant)
