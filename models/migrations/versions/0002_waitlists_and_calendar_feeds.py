"""Waitlists and calendar feeds"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendar_feed",
        sa.Column("therapist_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["therapist_id"],
            ["therapist.id"],
        ),
        sa.PrimaryKeyConstraint("therapist_id"),
        sa.UniqueConstraint("secret_hash"),
    )
    op.create_table(
        "waitlist_place",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("therapist_id", sa.Uuid(), nullable=False),
        sa.Column(
            "type",
            sa.Enum(
                "intro_call",
                "session",
                name="waitlist_place_type",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("wished_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wished_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("joined_by", sa.String(), nullable=False),
        sa.Column("joined_with", sa.Uuid(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "ended_because",
            sa.Enum(
                "booked",
                "left",
                "unanswered",
                "over",
                "rematched",
                "archived",
                name="waitlist_place_end",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_because IS NULL)", name="waitlist_place_ends_for_a_reason"),
        sa.CheckConstraint("wished_from < wished_until", name="waitlist_place_in_order"),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.ForeignKeyConstraint(
            ["therapist_id"],
            ["therapist.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_waitlist_place_client_id"), "waitlist_place", ["client_id"], unique=False)
    op.create_index(
        "one_live_place",
        "waitlist_place",
        ["client_id", "therapist_id", "type"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "waitlist_in_order",
        "waitlist_place",
        ["therapist_id", "joined_at", "id"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "waitlist_offer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("place_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "closed_because",
            sa.Enum(
                "booked",
                "ran_out",
                "declined",
                "withdrawn",
                name="waitlist_offer_end",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.CheckConstraint("(closed_at IS NULL) = (closed_because IS NULL)", name="waitlist_offer_closes_for_a_reason"),
        sa.ForeignKeyConstraint(
            ["place_id"],
            ["waitlist_place.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_waitlist_offer_place_id"), "waitlist_offer", ["place_id"], unique=False)
    op.create_index(
        "one_open_offer", "waitlist_offer", ["place_id"], unique=True, postgresql_where=sa.text("closed_at IS NULL")
    )


def downgrade() -> None:
    op.drop_index("one_open_offer", table_name="waitlist_offer", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_index(op.f("ix_waitlist_offer_place_id"), table_name="waitlist_offer")
    op.drop_table("waitlist_offer")
    op.drop_index("waitlist_in_order", table_name="waitlist_place", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_index("one_live_place", table_name="waitlist_place", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_index(op.f("ix_waitlist_place_client_id"), table_name="waitlist_place")
    op.drop_table("waitlist_place")
    op.drop_table("calendar_feed")
