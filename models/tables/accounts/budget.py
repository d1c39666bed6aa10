"""Budgets (rate limits): what was used of each lately, in the database, so that all servers count together."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from models.columns import Instant


class BudgetUse(SQLModel, table=True):
    """``uses`` are the instants of the latest uses, oldest first, never more than the budget allows. ``key`` says of
    what it is, and holds whom it is for as a hash alone."""

    __tablename__ = "budget_use"

    key: str = Field(primary_key=True, max_length=100)
    uses: list[datetime] = Field(sa_type=ARRAY(Instant))
    last_at: datetime = Field(sa_type=Instant, index=True)
