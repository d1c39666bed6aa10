"""Goals of a treatment plan, each with a weekly reminder or none, in the client's own time zone."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from models.columns import Instant, word
from models.sealed import SealedText
from rules.enums import GoalStatus


class Goal(SQLModel, table=True):
    """``remind_weekday`` is 0 (Monday) to 6, ``remind_minute`` the minute of the local day; both or neither."""

    __tablename__ = "goal"
    __table_args__ = (
        CheckConstraint("(remind_weekday IS NULL) = (remind_minute IS NULL)", name="goal_reminder_is_whole"),
        CheckConstraint("remind_weekday BETWEEN 0 AND 6", name="goal_reminder_weekday"),
        CheckConstraint("remind_minute BETWEEN 0 AND 1439", name="goal_reminder_minute"),
        Index("goals_of_client", "client_id", "made_at", "id"),
    )

    id: UUID = Field(primary_key=True)
    client_id: UUID = Field(foreign_key="client.id")
    text: str = Field(sa_type=SealedText)
    remind_weekday: int | None = None
    remind_minute: int | None = None
    remind_since: datetime | None = Field(default=None, sa_type=Instant)  # since when this reminder stands as it is
    reminded_at: datetime | None = Field(default=None, sa_type=Instant)  # the last instant that was acted on
    status: GoalStatus = Field(default=GoalStatus.OPEN, sa_type=word(GoalStatus, name="goal_status"))
    made_by: str
    made_at: datetime = Field(sa_type=Instant)
    completed_at: datetime | None = Field(default=None, sa_type=Instant)
    completed_by: str | None = None
