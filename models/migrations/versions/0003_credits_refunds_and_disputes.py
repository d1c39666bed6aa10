"""Credits, refunds, disputes and reconciliations"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_KINDS = (
    "match_by_hand",
    "no_first_session",
    "outcome_missing",
    "card_missing",
    "payment_owed",
    "payment_failed",
    "possible_duplicate",
    "mail_undeliverable",
)
_NEW_KINDS = ("dispute", "refund_failed", "ledger_difference")


def _task_kinds(*kinds: str) -> None:
    op.drop_constraint("task_kind", "task", type_="check")
    op.create_check_constraint("task_kind", "task", sa.column("kind").in_(kinds))


def upgrade() -> None:
    op.create_table(
        "reconciliation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("compared", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("healed", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("differences", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "credit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("remaining", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column(
            "source",
            sa.Enum("granted", "refund", name="credit_source", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("given_by", sa.String(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name="credit_amount_positive"),
        sa.CheckConstraint("remaining >= 0 AND remaining <= amount", name="credit_within_amount"),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("credit_by_client", "credit", ["client_id", "given_at"], unique=False)
    op.create_table(
        "credit_use",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("credit_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reserved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("given_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name="credit_use_positive"),
        sa.ForeignKeyConstraint(
            ["credit_id"],
            ["credit.id"],
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payment.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_credit_use_credit_id"), "credit_use", ["credit_id"], unique=False)
    op.create_index(op.f("ix_credit_use_payment_id"), "credit_use", ["payment_id"], unique=False)
    op.create_table(
        "dispute",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payment.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_dispute_client_id"), "dispute", ["client_id"], unique=False)
    op.create_index(op.f("ix_dispute_payment_id"), "dispute", ["payment_id"], unique=False)
    op.create_table(
        "refund",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("card_amount", sa.BigInteger(), nullable=False),
        sa.Column("credit_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "succeeded",
                "failed",
                name="refund_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("stripe_refund", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("card_amount + credit_amount > 0", name="refund_of_something"),
        sa.CheckConstraint("card_amount >= 0 AND credit_amount >= 0", name="refund_not_negative"),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payment.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("stripe_refund"),
    )
    op.create_index(op.f("ix_refund_client_id"), "refund", ["client_id"], unique=False)
    op.create_index(op.f("ix_refund_payment_id"), "refund", ["payment_id"], unique=False)
    op.alter_column("task", "client_id", existing_type=sa.UUID(), nullable=True)
    op.add_column("payment", sa.Column("refunded", sa.BigInteger(), nullable=False, server_default="0"))
    op.alter_column("payment", "refunded", server_default=None)
    op.create_check_constraint("payment_refunded_within_amount", "payment", "refunded >= 0 AND refunded <= amount")
    op.create_index("payment_by_due_time", "payment", ["due_at", "id"], unique=False)
    op.create_index("payment_by_paid_time", "payment", ["paid_at"], unique=False)
    op.add_column("payment_try", sa.Column("charge", sa.String(), nullable=True))
    op.add_column("client", sa.Column("charges_frozen", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column("client", "charges_frozen", server_default=None)
    _task_kinds(*_KINDS, *_NEW_KINDS)


def downgrade() -> None:
    _task_kinds(*_KINDS)
    op.drop_column("payment_try", "charge")
    op.drop_index("payment_by_paid_time", table_name="payment")
    op.drop_index("payment_by_due_time", table_name="payment")
    op.drop_constraint("payment_refunded_within_amount", "payment", type_="check")
    op.drop_column("payment", "refunded")
    op.drop_column("client", "charges_frozen")
    op.alter_column("task", "client_id", existing_type=sa.UUID(), nullable=False)
    op.drop_index(op.f("ix_refund_payment_id"), table_name="refund")
    op.drop_index(op.f("ix_refund_client_id"), table_name="refund")
    op.drop_table("refund")
    op.drop_index(op.f("ix_dispute_payment_id"), table_name="dispute")
    op.drop_index(op.f("ix_dispute_client_id"), table_name="dispute")
    op.drop_table("dispute")
    op.drop_index(op.f("ix_credit_use_payment_id"), table_name="credit_use")
    op.drop_index(op.f("ix_credit_use_credit_id"), table_name="credit_use")
    op.drop_table("credit_use")
    op.drop_index("credit_by_client", table_name="credit")
    op.drop_table("credit")
    op.drop_table("reconciliation")
