"""Clients: details, account, the present therapist, and the head of their timeline."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from models.columns import Document, Instant, word
from models.sealed import SealedDocument, SealedText
from rules.chain import GENESIS, Head
from rules.enums import ClientStatus, Source, Stage

PORTAL_SETTINGS = ("schedule_appointments", "chat", "community", "documents", "forms", "goals")


# How a list by name is sorted, written out as the index has it: said otherwise, it is not used. Who has given no
# name comes last. Letters count without their accents and in one case, in the same order in every database; those that
# are translated are letters of their own to Unicode, and not to whoever looks for a name. A hundred characters of it
# are carried from page to page.
NAMELESS = "CAST(coalesce(first_name, last_name) IS NULL AS integer)"
FOLDED_NAME = (
    "left(translate(lower(regexp_replace(normalize(coalesce(last_name || ' ', '') || coalesce(first_name, ''), NFKD), "
    "'[\u0300-\u036f]', '', 'g')) COLLATE \"C\", 'øłđħı', 'oldhi'), 100)"
)


def default_portal_settings() -> dict[str, bool]:
    return dict.fromkeys(PORTAL_SETTINGS, True)


class Client(SQLModel, table=True):
    __tablename__ = "client"
    __table_args__ = (
        # An address is unique among activated and staff-made clients; a public form may use any.
        Index(
            "one_client_per_address",
            "email_folded",
            unique=True,
            postgresql_where=text("email_folded IS NOT NULL AND (account_active OR made_by_staff)"),
        ),
        Index("client_by_address", "email_folded"),
        # With what is asked whenever clients are counted, so that no record is read for it.
        Index("client_joined", "joined_into", postgresql_where=text("joined_into IS NOT NULL")),
        Index("client_by_therapist", "therapist_id", "status", postgresql_include=["closed_at", "joined_into"]),
        Index("client_by_age", "created_at", "id"),
        Index("client_by_name", text(f"({NAMELESS})"), text(f"({FOLDED_NAME})"), "id"),
        Index("client_by_stage", "stage", postgresql_where=text("closed_at IS NULL AND test IS false")),
        CheckConstraint("stage_shown <> 'archived'", name="stage_shown_tells_of_no_archive"),
    )

    id: UUID = Field(primary_key=True)
    ref: str = Field(unique=True, max_length=12)
    status: ClientStatus = Field(default=ClientStatus.ACTIVE, sa_type=word(ClientStatus, name="client_status"))
    stage: Stage = Field(default=Stage.MATCHING, sa_type=word(Stage, name="client_stage"))
    # What the client side sees, as if the client were active.
    stage_shown: Stage = Field(default=Stage.MATCHING, sa_type=word(Stage, name="client_stage_shown"))
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    email_folded: str | None = None
    phone: str | None = None
    time_zone: str | None = None
    state: str | None = None
    therapist_id: UUID | None = Field(default=None, foreign_key="therapist.id")
    matched_at: datetime | None = Field(default=None, sa_type=Instant)
    group_id: UUID | None = Field(default=None, foreign_key="client_group.id", index=True)
    portal_settings: dict[str, bool] = Field(default_factory=default_portal_settings, sa_type=Document)
    unsubscribed: bool = False

    source: Source = Field(sa_type=word(Source, name="client_source"))
    note: str | None = Field(default=None, sa_type=SealedText)
    made_by: str
    made_by_staff: bool = False
    created_at: datetime = Field(sa_type=Instant)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    reachable_since: datetime | None = Field(default=None, sa_type=Instant)  # when an address was given first
    test: bool = False

    account_active: bool = False
    activated_at: datetime | None = Field(default=None, sa_type=Instant)
    first_booked_at: datetime | None = Field(default=None, sa_type=Instant)
    stripe_customer: str | None = None
    stripe_payment_method: str | None = None
    # brand, last4, exp_month, exp_year, and Stripe's fingerprint of its number
    card: dict[str, Any] | None = Field(default=None, sa_type=Document)
    charges_frozen: bool = False  # while a dispute's task is open: no automatic charge
    card_blocked: bool = False  # the bank reported it lost, stolen or misused: never again with this one

    joined_into: UUID | None = Field(default=None, foreign_key="client.id")  # the same person's own record

    archived_at: datetime | None = Field(default=None, sa_type=Instant)
    active_since: datetime | None = Field(default=None, sa_type=Instant)  # the end of the last archive, or a join
    archive_record: dict[str, Any] | None = Field(default=None, sa_type=SealedDocument)

    fact_seq: int = 0
    fact_hash: str = Field(default=GENESIS, max_length=64)
    fact_key_id: str | None = Field(default=None, max_length=100)

    @property
    def head(self) -> Head:
        """Of the chain of facts."""
        return Head(seq=self.fact_seq, hash=self.fact_hash, key_id=self.fact_key_id)

    @property
    def full_name(self) -> str:
        return " ".join(part for part in (self.first_name, self.last_name) if part) or f"Client {self.ref}"

    def details(self) -> dict[str, str | None]:
        return {
            "first_name": self.first_name,
            "last_name": self.last_name,
            "email": self.email,
            "phone": self.phone,
            "time_zone": self.time_zone,
            "state": self.state,
        }
