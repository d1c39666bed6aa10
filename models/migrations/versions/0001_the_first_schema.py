"""The first schema"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None
runs_from = "0001"

APPEND_ONLY = (
    "fact",
    "anchor",
    "anchored_head",
    "access_line",
    "access_repeat",
    "access_block",
    "chained_access",
)
# Whole months of the access log are removed when they are old enough, by a command of the owner's which says so.
_UNLESS_SAID = "WHEN (current_setting('care_journeys.removes_accesses', true) IS DISTINCT FROM 'yes')"
# Whose changes are noted, for programs that ask whether something has changed. What is kept of tokens, budgets, answers
# and accesses shows in no record, and each reading would change it.
NOTED_OF_CLIENTS = (
    "account",
    "appointment",
    "approval",
    "blast_line",
    "bulk_archive_line",
    "chat",
    "chat_member",
    "credit",
    "dispute",
    "document_share",
    "fact",
    "form_draft",
    "form_match",
    "form_request",
    "form_upload",
    "goal",
    "match",
    "notification",
    "opening",
    "payment",
    "refund",
    "remark",
    "session_note",
    "task",
    "waitlist_place",
)
NOTED_OF_PRACTICE = (
    "appointment_settings",
    "client_group",
    "closure",
    "date_override",
    "document",
    "form_words",
    "leave",
    "practice_text",
    "therapist",
    "therapist_photo",
    "time_off",
    "weekly_hours",
)
NOTED_OF_PAYMENTS = ("credit_reversal", "credit_use", "payment_try")
NOTED = {
    **dict.fromkeys(NOTED_OF_PAYMENTS, "note_change_of_payment"),
    "form_answer": "note_change_of_answer",
    **dict.fromkeys(NOTED_OF_PRACTICE, "note_change_of_practice"),
    **dict.fromkeys(NOTED_OF_CLIENTS, "note_change_of_client"),
    "client": "note_change_of_record",
}
REMOVED_WHEN_OLD = dict.fromkeys(("access_line", "access_repeat", "chained_access"), _UNLESS_SAID)

EVENTS_UNDER_WAY = 7096  # the first number of the advisory locks of transactions that write events


def upgrade() -> None:
    # Lets one GiST constraint compare ids and time ranges together.
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.create_table(
        "access_block",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "lines",
                "removed",
                "epoch_began",
                name="access_block_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("data", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("key_id", sa.String(length=100), nullable=False),
        sa.Column("previous_key_id", sa.String(length=100), nullable=True),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("at BETWEEN '2000-01-01Z' AND '9999-12-30Z'", name="block_at_can_be_read"),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "access_line",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "event",
            sa.Enum(
                "read",
                "export",
                "decode",
                "sign_in",
                "failed_sign_in",
                "key_use",
                "opening",
                "invited",
                "invitation_revoked",
                "name_changed",
                "roles_changed",
                "profile_given",
                "profile_taken",
                "account_locked",
                "account_unlocked",
                "account_ended",
                "second_factor_taken",
                "sign_in_unlinked",
                "key_made",
                "key_rotated",
                "key_revoked",
                "webhook_made",
                "webhook_changed",
                "webhook_rotated",
                "webhook_replayed",
                "webhook_removed",
                "token_made",
                "token_revoked",
                name="access_event",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("about", sa.String(length=200), nullable=True),
        sa.Column("token_by", sa.String(length=200), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "record",
                "forms",
                "notes",
                "chats",
                "documents",
                "payments",
                name="access_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("whose", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("visitor", sa.String(length=64), nullable=True),
        sa.Column("network", sa.String(length=64), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("of_archive", sa.Boolean(), nullable=False),
        sa.Column("key_id", sa.String(length=100), nullable=False),
        sa.Column("mac", sa.String(length=64), nullable=False),
        sa.CheckConstraint("at BETWEEN '2000-01-01Z' AND '9999-12-30Z'", name="access_at_can_be_read"),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("access_lines_in_time", "access_line", ["at", "id"], unique=False)
    op.create_index("access_lines_of_client", "access_line", ["whose"], unique=False, postgresql_using="gin")
    op.create_index("access_lines_of_who", "access_line", ["who", "at", "id"], unique=False)
    op.create_index("access_lines_of_event", "access_line", ["event", "at", "id"], unique=False)
    op.create_table(
        "access_repeat",
        sa.Column("line", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("line", "number"),
    )
    op.create_table(
        "chained_access",
        sa.Column("line", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("line"),
    )
    op.create_index("lines_of_block", "chained_access", ["block", "line"], unique=False)
    op.create_table(
        "anchor",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("epoch", sa.Uuid(), nullable=False),
        sa.Column("chains", sa.Integer(), nullable=False),
        sa.Column("heads", sa.Integer(), nullable=False),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=100), nullable=False),
        sa.Column("previous_key_id", sa.String(length=100), nullable=True),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("date BETWEEN '2000-01-01' AND '9999-12-30'", name="anchor_date_can_be_read"),
        sa.CheckConstraint("at BETWEEN '2000-01-01Z' AND '9999-12-30Z'", name="anchor_at_can_be_read"),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "anchored_head",
        sa.Column("anchor", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("follows", sa.Uuid(), nullable=True),
        sa.Column("key_id", sa.String(length=100), nullable=False),
        sa.Column("mac", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("anchor", "client_id"),
    )
    op.create_index("heads_of_client", "anchored_head", ["client_id", "anchor"], unique=False)
    op.create_table(
        "blast",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("sent_by", sa.String(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "budget_use",
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("uses", postgresql.ARRAY(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index(op.f("ix_budget_use_last_at"), "budget_use", ["last_at"], unique=False)
    op.create_table(
        "client_group",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_folded", sa.String(length=200), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name_folded"),
    )
    op.create_table(
        "closure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("day"),
    )
    op.create_table(
        "applied_migration",
        sa.Column("revision", sa.String(length=40), nullable=False),
        sa.Column("runs_from", sa.String(length=40), nullable=False),
        sa.Column("checksum", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("revision"),
    )
    op.create_table(
        "epoch",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Uuid(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("missing_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("compared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("place", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("epoch"),
    )
    # A new database has no past that Stripe could know better.
    op.execute(
        "INSERT INTO epoch SELECT 1, gen_random_uuid(), now(), now(), now(), now(), now(),"
        " concat(system_identifier, '/', CAST(CAST('epoch' AS regclass) AS oid)) FROM pg_control_system()"
    )
    op.create_table(
        "settings",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("policy", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tellings", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "settings_seen",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("policy", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_by", sa.String(), nullable=False),
        sa.Column("keeping_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "practice_text",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("terms", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("fields", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("intake_place", sa.Integer(), nullable=True),
        sa.Column("fee_policy_version", sa.Integer(), nullable=True),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "version", name="one_text_per_kind_and_version"),
    )
    op.create_table(
        "text_draft",
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("terms", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("fields", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind"),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("caller", sa.String(length=200), nullable=False),
        sa.Column("route", sa.String(length=300), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("body_hash", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("alive_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("caller", "route", "key"),
    )
    op.create_index(op.f("ix_idempotency_key_claimed_at"), "idempotency_key", ["claimed_at"], unique=False)
    op.create_table(
        "inbound_event",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("vendor", sa.String(length=20), nullable=False),
        sa.Column("type", sa.String(length=100), nullable=False),
        sa.Column("payload", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "inbound_events_left",
        "inbound_event",
        ["id"],
        unique=False,
        postgresql_where=sa.text("handled_at IS NULL"),
    )
    op.create_table(
        "keeping",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looked_at", sa.Integer(), nullable=False),
        sa.Column("tasks", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("keeping_by_end", "keeping", ["finished_at"], unique=False)
    op.create_table(
        "program_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "booking_site",
                "client",
                "therapist",
                "care_team",
                "admin",
                name="program_key_role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("former_hash", sa.String(length=64), nullable=True),
        sa.Column("former_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rotation_id", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('booking_site', 'care_team', 'admin')", name="role_of_a_program"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("former_hash"),
        sa.UniqueConstraint("hash"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "reconciliation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("compared", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("healed", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("differences", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("reconciliation_by_end", "reconciliation", ["finished_at"], unique=False)
    op.create_table(
        "reencryption",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sealed", sa.Integer(), nullable=False),
        sa.Column("unreadable", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "form_words",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("concerns", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("genders", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("insurances", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_table(
        "handed_in",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("about", sa.Uuid(), nullable=False),
        sa.Column("said", sa.LargeBinary(), nullable=False),
        sa.Column("handed_in_by", sa.String(), nullable=False),
        sa.Column("handed_in_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_handed_in_handed_in_at"), "handed_in", ["handed_in_at"], unique=False)
    op.create_table(
        "therapist",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("licensed_in", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("licences", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("credentials", sa.String(), nullable=True),
        sa.Column("about", sa.String(), nullable=True),
        sa.Column("photo", sa.String(length=64), nullable=True),
        sa.Column("concerns", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("languages", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("modalities", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("gender", sa.String(), nullable=True),
        sa.Column("insurances", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("session_fee_amount", sa.BigInteger(), nullable=False),
        sa.Column("session_fee_currency", sa.String(length=3), nullable=False),
        sa.Column(
            "intro_calls",
            sa.Enum(
                "required",
                "optional",
                "off",
                name="therapist_intro_calls",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("zoom_link", sa.String(), nullable=True),
        sa.Column("accepting_clients", sa.Boolean(), nullable=False),
        sa.Column("caseload_limit", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("caseload_limit >= 0", name="therapist_caseload_not_negative"),
        sa.CheckConstraint("session_fee_amount >= 0", name="therapist_fee_not_negative"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug"),
    )
    op.create_table(
        "appointment_settings",
        sa.Column("therapist_id", sa.Uuid(), nullable=False),
        sa.Column(
            "type",
            sa.Enum(
                "intro_call", "session", name="settings_type", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("duration", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("buffer_before", sa.Integer(), nullable=False),
        sa.Column("buffer_after", sa.Integer(), nullable=False),
        sa.Column("minimum_notice", sa.Integer(), nullable=False),
        sa.Column("horizon_days", sa.Integer(), nullable=False),
        sa.Column("max_per_day", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["therapist_id"],
            ["therapist.id"],
        ),
        sa.PrimaryKeyConstraint("therapist_id", "type"),
    )
    op.create_table(
        "bulk_archive",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("notify", sa.Boolean(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["client_group.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "therapist_photo",
        sa.Column("therapist_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["therapist_id"],
            ["therapist.id"],
        ),
        sa.PrimaryKeyConstraint("therapist_id"),
    )
    op.create_table(
        "calendar_feed",
        sa.Column("therapist_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["therapist_id"],
            ["therapist.id"],
        ),
        sa.PrimaryKeyConstraint("therapist_id"),
        sa.UniqueConstraint("secret_hash"),
    )
    op.create_table(
        "client",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ref", sa.String(length=12), nullable=False),
        sa.Column(
            "status",
            sa.Enum("active", "archived", name="client_status", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "stage",
            sa.Enum(
                "matching",
                "first_booking",
                "activation",
                "intake",
                "intro_call",
                "scheduling",
                "in_care",
                "archived",
                name="client_stage",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "stage_shown",
            sa.Enum(
                "matching",
                "first_booking",
                "activation",
                "intake",
                "intro_call",
                "scheduling",
                "in_care",
                "archived",
                name="client_stage_shown",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("first_name", sa.String(), nullable=True),
        sa.Column("last_name", sa.String(), nullable=True),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("email_folded", sa.String(), nullable=True),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("time_zone", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=True),
        sa.Column("therapist_id", sa.Uuid(), nullable=True),
        sa.Column("matched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("group_id", sa.Uuid(), nullable=True),
        sa.Column("portal_settings", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("unsubscribed", sa.Boolean(), nullable=False),
        sa.Column(
            "source",
            sa.Enum(
                "matching_form",
                "direct_booking",
                "care_team",
                name="client_source",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_by_staff", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("account_active", sa.Boolean(), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_booked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stripe_customer", sa.String(), nullable=True),
        sa.Column("stripe_payment_method", sa.String(), nullable=True),
        sa.Column("card", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("charges_frozen", sa.Boolean(), nullable=False),
        sa.Column("card_blocked", sa.Boolean(), nullable=False),
        sa.Column("joined_into", sa.Uuid(), nullable=True),
        sa.Column("reachable_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("active_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("archive_record", sa.LargeBinary(), nullable=True),
        sa.Column("fact_seq", sa.Integer(), nullable=False),
        sa.Column("fact_hash", sa.String(length=64), nullable=False),
        sa.Column("fact_key_id", sa.String(length=100), nullable=True),
        sa.CheckConstraint("stage_shown <> 'archived'", name="stage_shown_tells_of_no_archive"),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["client_group.id"],
        ),
        sa.ForeignKeyConstraint(
            ["joined_into"],
            ["client.id"],
        ),
        sa.ForeignKeyConstraint(
            ["therapist_id"],
            ["therapist.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("ref"),
    )
    op.create_index(
        "client_by_stage",
        "client",
        ["stage"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL AND test IS false"),
    )
    op.create_index("client_by_address", "client", ["email_folded"], unique=False)
    op.create_index("client_by_age", "client", ["created_at", "id"], unique=False)
    op.create_index(
        "client_by_name",
        "client",
        [
            sa.text("(CAST(coalesce(first_name, last_name) IS NULL AS integer))"),
            sa.text(
                "(left(translate(lower(regexp_replace(normalize(coalesce(last_name || ' ', '') || "
                "coalesce(first_name, ''), NFKD), '[\u0300-\u036f]', '', 'g')) COLLATE \"C\", 'øłđħı', 'oldhi'), 100))"
            ),
            "id",
        ],
        unique=False,
    )
    op.create_index(
        "client_joined", "client", ["joined_into"], unique=False, postgresql_where=sa.text("joined_into IS NOT NULL")
    )
    op.create_index(
        "client_by_therapist",
        "client",
        ["therapist_id", "status"],
        unique=False,
        postgresql_include=["closed_at", "joined_into"],
    )
    op.create_index(op.f("ix_client_group_id"), "client", ["group_id"], unique=False)
    op.create_index(
        "one_client_per_address",
        "client",
        ["email_folded"],
        unique=True,
        postgresql_where=sa.text("email_folded IS NOT NULL AND (account_active OR made_by_staff)"),
    )
    op.create_table(
        "date_override",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("therapist_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("windows", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["therapist_id"],
            ["therapist.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("therapist_id", "day", name="one_override_per_date"),
    )
    op.create_index(op.f("ix_date_override_therapist_id"), "date_override", ["therapist_id"], unique=False)
    op.create_table(
        "document",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("therapist_id", sa.Uuid(), nullable=True),
        sa.Column("title", sa.LargeBinary(), nullable=False),
        sa.Column("filename", sa.LargeBinary(), nullable=False),
        sa.Column("content_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("uploaded_by", sa.String(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("size > 0", name="document_not_empty"),
        sa.ForeignKeyConstraint(
            ["therapist_id"],
            ["therapist.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_document_therapist_id"), "document", ["therapist_id"], unique=False)
    op.create_table(
        "time_off",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("therapist_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("starts_at < ends_at", name="time_off_in_order"),
        sa.ForeignKeyConstraint(
            ["therapist_id"],
            ["therapist.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_time_off_therapist_id"), "time_off", ["therapist_id"], unique=False)
    op.create_table(
        "outside_calendar",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("therapist_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "ics",
                "caldav",
                "google",
                "outlook",
                name="outside_calendar_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("label", sa.LargeBinary(), nullable=True),
        sa.Column("access", sa.LargeBinary(), nullable=False),
        sa.Column("known", sa.LargeBinary(), nullable=True),
        sa.Column("covers_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "trouble",
            sa.Enum(
                "away",
                "not_connected",
                "not_allowed",
                "not_found",
                "not_a_calendar",
                "too_large",
                "too_slow",
                "address_refused",
                name="outside_calendar_trouble",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("channel_id", sa.Uuid(), nullable=True),
        sa.Column("channel", sa.LargeBinary(), nullable=True),
        sa.Column("channel_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pushed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(failing_since IS NULL) = (trouble IS NULL)", name="outside_calendar_fails_for_a_reason"),
        sa.CheckConstraint("(channel_id IS NULL) = (channel IS NULL)", name="outside_calendar_channel_has_a_token"),
        sa.UniqueConstraint("channel_id", name="one_calendar_of_a_channel"),
        sa.ForeignKeyConstraint(
            ["therapist_id"],
            ["therapist.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_outside_calendar_therapist_id"), "outside_calendar", ["therapist_id"], unique=False)
    op.create_table(
        "outside_busy",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("calendar_id", sa.Uuid(), nullable=False),
        sa.Column("therapist_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("all_day", sa.Boolean(), nullable=False),
        sa.Column("tentative", sa.Boolean(), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name="outside_busy_in_order"),
        sa.ForeignKeyConstraint(
            ["calendar_id"],
            ["outside_calendar.id"],
        ),
        sa.ForeignKeyConstraint(
            ["therapist_id"],
            ["therapist.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("calendar_id", "event", "starts_at", "ends_at", name="one_outside_busy"),
    )
    op.create_index("outside_busy_by_start", "outside_busy", ["therapist_id", "starts_at"], unique=False)
    op.create_table(
        "calendar_consent",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("calendar_id", sa.Uuid(), nullable=False),
        sa.Column("begun_by", sa.String(), nullable=False),
        sa.Column("verifier", sa.LargeBinary(), nullable=False),
        sa.Column("return_url", sa.String(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["calendar_id"], ["outside_calendar.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_index(op.f("ix_calendar_consent_calendar_id"), "calendar_consent", ["calendar_id"], unique=False)
    op.create_index(op.f("ix_calendar_consent_expires_at"), "calendar_consent", ["expires_at"], unique=False)
    op.create_table(
        "leave",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("therapist_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.CheckConstraint("starts_at < ends_at", name="leave_in_order"),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="leave_is_ended_by_somebody"),
        sa.ForeignKeyConstraint(
            ["therapist_id"],
            ["therapist.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "one_leave",
        "leave",
        ["therapist_id", "starts_at", "ends_at"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "weekly_hours",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("therapist_id", sa.Uuid(), nullable=False),
        sa.Column("weekday", sa.String(length=3), nullable=False),
        sa.Column("opens", sa.Integer(), nullable=False),
        sa.Column("closes", sa.Integer(), nullable=False),
        sa.Column("types", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.CheckConstraint("opens >= 0 AND opens < closes AND closes <= 1440", name="weekly_hours_in_order"),
        sa.ForeignKeyConstraint(
            ["therapist_id"],
            ["therapist.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_weekly_hours_therapist_id"), "weekly_hours", ["therapist_id"], unique=False)
    op.create_table(
        "appointment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("therapist_id", sa.Uuid(), nullable=False),
        sa.Column(
            "type",
            sa.Enum(
                "intro_call", "session", name="appointment_type", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "scheduled",
                "occurred",
                "no_show",
                "cancelled",
                "late_cancelled",
                name="appointment_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "mode",
            sa.Enum(
                "phone", "video", "zoom", name="appointment_mode", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("join_url", sa.String(), nullable=True),
        sa.Column("series_id", sa.Uuid(), nullable=True),
        sa.Column("week", sa.Integer(), nullable=False),
        sa.Column("every", sa.Integer(), nullable=True),
        sa.Column("fee_amount", sa.BigInteger(), nullable=False),
        sa.Column("fee_currency", sa.String(length=3), nullable=False),
        sa.Column("booked_by", sa.String(), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("terms", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("fee_policy_version", sa.Integer(), nullable=False),
        sa.Column("complete_forms_in_session", sa.Boolean(), nullable=False),
        sa.Column("forms_outstanding_when_booked", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("first_of_its_type", sa.Boolean(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_by", sa.String(), nullable=True),
        sa.Column("cancel_reason", sa.LargeBinary(), nullable=True),
        sa.Column("outcome_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome_by", sa.String(), nullable=True),
        sa.Column("breached_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("forms_warned", sa.Boolean(), nullable=False),
        sa.Column("restored_from", sa.Uuid(), nullable=True),
        sa.Column("visitor", sa.String(length=64), nullable=True),
        sa.Column("network", sa.String(length=64), nullable=True),
        sa.CheckConstraint("fee_amount >= 0", name="appointment_fee_not_negative"),
        sa.CheckConstraint("starts_at < ends_at", name="appointment_in_order"),
        sa.CheckConstraint("(series_id IS NULL) = (every IS NULL)", name="appointment_of_a_series_says_how_often"),
        sa.CheckConstraint("every IN (1, 2, 4)", name="appointment_every_known"),
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
    op.create_index("appointment_by_client", "appointment", ["client_id", "starts_at"], unique=False)
    op.create_index("appointment_by_therapist", "appointment", ["therapist_id", "starts_at"], unique=False)
    op.create_index("appointment_by_start", "appointment", ["starts_at", "id"], unique=False)
    op.create_index(
        "appointment_scheduled_by_id",
        "appointment",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status = 'scheduled'"),
    )
    op.create_index(
        "appointment_scheduled_by_end",
        "appointment",
        ["ends_at"],
        unique=False,
        postgresql_where=sa.text("status = 'scheduled'"),
    )
    op.create_index(
        "appointment_of_visitor",
        "appointment",
        ["visitor"],
        unique=False,
        postgresql_where=sa.text("visitor IS NOT NULL"),
    )
    op.create_index(
        "appointment_of_network",
        "appointment",
        ["network"],
        unique=False,
        postgresql_where=sa.text("network IS NOT NULL"),
    )
    op.create_index(op.f("ix_appointment_series_id"), "appointment", ["series_id"], unique=False)
    op.create_table(
        "bulk_archive_line",
        sa.Column("archive_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "result",
            sa.Enum(
                "pending",
                "archived",
                "skipped",
                "failed",
                name="bulk_archive_result",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("because", sa.String(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(result = 'pending') = (done_at IS NULL)", name="bulk_archive_line_is_done_once"),
        sa.ForeignKeyConstraint(
            ["archive_id"],
            ["bulk_archive.id"],
        ),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.PrimaryKeyConstraint("archive_id", "client_id"),
    )
    op.create_index(op.f("ix_bulk_archive_line_client_id"), "bulk_archive_line", ["client_id"], unique=False)
    op.create_table(
        "chat",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "direct",
                "care_team",
                "group",
                "community",
                "staff",
                name="chat_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("title", sa.LargeBinary(), nullable=True),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("therapist_id", sa.Uuid(), nullable=True),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.Column("last_message_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.CheckConstraint("(kind IN ('direct', 'care_team')) = (client_id IS NOT NULL)", name="chat_of_one_client"),
        sa.CheckConstraint(
            "kind NOT IN ('direct', 'staff') OR therapist_id IS NOT NULL", name="chat_of_one_therapist_names_them"
        ),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.ForeignKeyConstraint(
            ["merged_into"],
            ["chat.id"],
        ),
        sa.ForeignKeyConstraint(
            ["therapist_id"],
            ["therapist.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_chat_client_id"), "chat", ["client_id"], unique=False)
    op.create_index(op.f("ix_chat_therapist_id"), "chat", ["therapist_id"], unique=False)
    op.create_index(
        "one_care_team_chat", "chat", ["client_id"], unique=True, postgresql_where=sa.text("kind = 'care_team'")
    )
    op.create_index(
        "one_direct_chat",
        "chat",
        ["client_id", "therapist_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'direct'"),
    )
    op.create_index("one_staff_chat", "chat", ["therapist_id"], unique=True, postgresql_where=sa.text("kind = 'staff'"))
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
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("given_by", sa.String(), nullable=False),
        sa.Column("approved_by", sa.String(), nullable=True),
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
        "document_content",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["document.id"],
        ),
        sa.PrimaryKeyConstraint("document_id", "number"),
    )
    op.create_table(
        "document_share",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("shared_by", sa.String(), nullable=False),
        sa.Column("shared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("unshared_by", sa.String(), nullable=True),
        sa.Column("unshared_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["document.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_document_share_document_id"), "document_share", ["document_id"], unique=False)
    op.create_index(
        "one_live_share",
        "document_share",
        ["document_id", "client_id"],
        unique=True,
        postgresql_where=sa.text("unshared_at IS NULL"),
    )
    op.create_index(
        "shares_of_client",
        "document_share",
        ["client_id"],
        unique=False,
        postgresql_where=sa.text("unshared_at IS NULL"),
    )
    op.create_table(
        "fact",
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("data", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=100), nullable=False),
        sa.Column("previous_key_id", sa.String(length=100), nullable=True),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.PrimaryKeyConstraint("client_id", "seq"),
    )
    op.create_index(
        "exceptions_by_time",
        "fact",
        ["at", "hash"],
        unique=False,
        postgresql_where=sa.text(
            "kind IN ('forms_gate_opened', 'payment_waived', 'payment_written_off', 'credit_granted', "
            "'refund_begun', 'charge_breach', 'outcome_corrected', 'opening_begun') OR "
            "(kind = 'booked' AND data -> 'exceptions' <> '[]') OR "
            "(kind = 'appointment_rescheduled' AND data -> 'exceptions' <> '[]') OR "
            "(kind = 'outcome_recorded' AND data -> 'late' = 'true') OR "
            "(kind = 'outcome_breach' AND data -> 'late' IS NULL)"
        ),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "journey.opened",
                "journey.closed",
                "match.made",
                "account.activated",
                "appointment.booked",
                "appointment.moved",
                "appointment.cancelled",
                "appointment.occurred",
                "appointment.no_show",
                "form.requested",
                "form.completed",
                "payment.scheduled",
                "payment.paid",
                "payment.failed",
                "payment.needs_client",
                "payment.owed",
                "payment.refunded",
                "payment.waived",
                "card.saved",
                "slot.offered",
                "message.waits",
                "details.changed",
                "client.archived",
                "client.active",
                "task.opened",
                "task.resolved",
                "therapist.changed",
                "calendar.failed",
                name="event_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("ref", sa.String(length=40), nullable=True),
        sa.Column("data", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("for_site", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("events_of_client", "event", ["client_id", "id"], unique=False)
    op.create_index("events_by_time", "event", ["at"], unique=False)
    op.create_table(
        "events_removed",
        sa.Column("single", sa.Boolean(), nullable=False),
        sa.Column("up_to", sa.Integer(), nullable=False),
        sa.CheckConstraint("single", name="one_row"),
        sa.PrimaryKeyConstraint("single"),
    )
    op.create_table(
        "webhook_endpoint",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.LargeBinary(), nullable=False),
        sa.Column(
            "side",
            sa.Enum("site", "practice", name="endpoint_side", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("kinds", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("former_secret", sa.LargeBinary(), nullable=True),
        sa.Column("former_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rotation_id", sa.Uuid(), nullable=True),
        sa.Column("cursor", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("off_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "off_because",
            sa.Enum("by_hand", "gave_up", name="endpoint_off", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(off_because IS NULL) = (off_at IS NULL)", name="off_for_a_reason"),
        sa.CheckConstraint("(former_secret IS NULL) = (former_until IS NULL)", name="former_secret_ends"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=True),
        sa.Column("lane", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "delivered",
                "failed",
                name="delivery_state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tried", sa.Integer(), nullable=False),
        sa.Column("first_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("state = 'waiting' OR next_try_at IS NULL", name="next_try_of_what_waits"),
        sa.ForeignKeyConstraint(["endpoint_id"], ["webhook_endpoint.id"]),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_webhook_delivery_event_id"), "webhook_delivery", ["event_id"], unique=False)
    op.create_index(
        "webhook_waiting",
        "webhook_delivery",
        ["endpoint_id", "lane", "event_id"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index("webhook_deliveries", "webhook_delivery", ["endpoint_id", "made_at", "id"], unique=False)
    op.create_table(
        "remark",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_index(op.f("ix_remark_client_id"), "remark", ["client_id"], unique=False)
    op.create_table(
        "form_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "requested",
                "suspended",
                "complete",
                name="form_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("gates_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("client_id", "kind", "version", "number", name="one_request_per_form_version_and_time"),
    )
    op.create_index(op.f("ix_form_request_client_id"), "form_request", ["client_id"], unique=False)
    op.create_table(
        "goal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("remind_weekday", sa.Integer(), nullable=True),
        sa.Column("remind_minute", sa.Integer(), nullable=True),
        sa.Column("remind_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "status",
            sa.Enum("open", "completed", name="goal_status", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_by", sa.String(), nullable=True),
        sa.CheckConstraint("(remind_weekday IS NULL) = (remind_minute IS NULL)", name="goal_reminder_is_whole"),
        sa.CheckConstraint("remind_minute BETWEEN 0 AND 1439", name="goal_reminder_minute"),
        sa.CheckConstraint("remind_weekday BETWEEN 0 AND 6", name="goal_reminder_weekday"),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("goals_of_client", "goal", ["client_id", "made_at", "id"], unique=False)
    op.create_table(
        "match",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("therapist_id", sa.Uuid(), nullable=False),
        sa.Column(
            "how",
            sa.Enum(
                "matching_form",
                "direct_booking",
                "care_team",
                name="match_how",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
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
    op.create_index(op.f("ix_match_client_id"), "match", ["client_id"], unique=False)
    op.create_index(op.f("ix_match_therapist_id"), "match", ["therapist_id"], unique=False)
    op.create_index(
        "one_present_match", "match", ["client_id"], unique=True, postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_table(
        "form_match",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("match_id", sa.Uuid(), nullable=True),
        sa.Column("answers", sa.LargeBinary(), nullable=False),
        sa.Column("explanation", sa.LargeBinary(), nullable=False),
        sa.Column("considered", sa.LargeBinary(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.ForeignKeyConstraint(
            ["match_id"],
            ["match.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("match_id"),
    )
    op.create_index(op.f("ix_form_match_client_id"), "form_match", ["client_id"], unique=False)
    op.create_table(
        "notification",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("therapist_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("data", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("actor", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
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
    op.create_index("feed_of_therapist", "notification", ["therapist_id", "at", "id"], unique=False)
    op.create_index(op.f("ix_notification_client_id"), "notification", ["client_id"], unique=False)
    op.create_table(
        "resumption",
        sa.Column("workflow_id", sa.String(length=200), nullable=False),
        sa.Column("run_id", sa.String(length=100), nullable=False),
        sa.Column(
            "because",
            sa.Enum(
                "missing",
                "completed",
                "failed",
                "cancelled",
                "terminated",
                "timed_out",
                "wedged",
                "other_epoch",
                name="resumption_because",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("by", sa.String(), nullable=True),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("keeping_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"]),
        sa.ForeignKeyConstraint(["keeping_id"], ["keeping.id"]),
        sa.PrimaryKeyConstraint("workflow_id", "run_id"),
    )
    op.create_index(op.f("ix_resumption_keeping_id"), "resumption", ["keeping_id"], unique=False)
    op.create_index(
        "resumptions_not_done", "resumption", ["at"], unique=False, postgresql_where=sa.text("done_at IS NULL")
    )
    op.create_index("resumptions_of_workflow", "resumption", ["workflow_id", "at"], unique=False)
    op.create_table(
        "step_answer",
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.String(length=60), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("answer", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.PrimaryKeyConstraint("client_id", "step", "request_id"),
    )
    op.create_table(
        "task",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "match_by_hand",
                "no_first_session",
                "outcome_missing",
                "card_missing",
                "payment_owed",
                "payment_failed",
                "possible_duplicate",
                "mail_undeliverable",
                "mails_wait",
                "dispute",
                "inquiry",
                "refund_failed",
                "second_person",
                "ledger_difference",
                "step_failed",
                "overdue",
                "keeps_ending",
                "many_wedged",
                "no_record",
                "restored",
                "text_waits",
                "webhook_off",
                "booked_time_busy",
                "calendar_failed",
                "settings_differ",
                name="task_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("data", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.String(), nullable=True),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index(
        "tasks_open",
        "task",
        ["kind"],
        unique=False,
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_index(op.f("ix_task_client_id"), "task", ["client_id"], unique=False)
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "side",
            sa.Enum("client", "staff", name="account_side", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("email_folded", sa.String(), nullable=True),
        sa.Column("handle", sa.String(length=80), nullable=True),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("therapist_id", sa.Uuid(), nullable=True),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deactivated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("locked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("locked_by", sa.String(), nullable=True),
        sa.CheckConstraint("(client_id IS NOT NULL) = (side = 'client')", name="account_of_a_client_has_one"),
        sa.CheckConstraint("(email_folded IS NOT NULL) = (side = 'staff')", name="account_of_staff_has_an_address"),
        sa.CheckConstraint("(handle IS NOT NULL) = (side = 'staff')", name="account_of_staff_has_a_handle"),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"]),
        sa.ForeignKeyConstraint(["therapist_id"], ["therapist.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("client_id"),
        sa.UniqueConstraint("handle"),
    )
    op.create_index(op.f("ix_account_therapist_id"), "account", ["therapist_id"], unique=False)
    op.create_index(
        "one_staff_account_per_address",
        "account",
        ["email_folded"],
        unique=True,
        postgresql_where=sa.text("deactivated_at IS NULL"),
    )
    op.create_index(
        "one_account_per_therapist",
        "account",
        ["therapist_id"],
        unique=True,
        postgresql_where=sa.text("deactivated_at IS NULL"),
    )
    op.create_table(
        "opening",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column(
            "what",
            sa.Enum(
                "intake_answers",
                "private_notes",
                "shared_notes",
                "direct_chat",
                "documents",
                "goals",
                name="opening_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("opened_by", sa.String(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "booking_site",
                "client",
                "therapist",
                "care_team",
                "admin",
                name="opening_role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("openings_of_client", "opening", ["client_id", "opened_at", "id"], unique=False)
    op.create_index("openings_in_force", "opening", ["client_id", "opened_by", "what", "ends_at"], unique=False)
    op.create_table(
        "email_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("email_folded", sa.String(), nullable=False),
        sa.Column("former", sa.String(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_email_change_account_id"), "email_change", ["account_id"], unique=False)
    op.create_table(
        "oidc_link",
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
        sa.PrimaryKeyConstraint("issuer", "subject"),
        sa.UniqueConstraint("account_id", "issuer", name="one_subject_of_an_issuer"),
    )
    op.create_table(
        "oidc_sign_in",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("return_url", sa.String(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("subject", sa.String(length=255), nullable=True),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_index(op.f("ix_oidc_sign_in_account_id"), "oidc_sign_in", ["account_id"], unique=False)
    op.create_index(op.f("ix_oidc_sign_in_expires_at"), "oidc_sign_in", ["expires_at"], unique=False)
    op.create_table(
        "recovery_code",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_index(op.f("ix_recovery_code_account_id"), "recovery_code", ["account_id"], unique=False)
    op.create_table(
        "second_factor",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("totp", "passkey", name="second_factor_kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("credential_hash", sa.String(length=64), nullable=True),
        sa.Column("sign_count", sa.BigInteger(), nullable=True),
        sa.Column("backed_up", sa.Boolean(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(secret IS NOT NULL) = (ended_at IS NULL AND (kind = 'totp' OR confirmed_at IS NOT NULL))",
            name="live_factor_has_its_secret",
        ),
        sa.CheckConstraint(
            "(credential_hash IS NOT NULL) = (ended_at IS NULL AND kind = 'passkey' AND confirmed_at IS NOT NULL)",
            name="passkey_in_force_has_its_credential",
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("credential_hash"),
    )
    op.create_index(op.f("ix_second_factor_account_id"), "second_factor", ["account_id"], unique=False)
    op.create_index(
        "one_factor_being_set_up",
        "second_factor",
        ["account_id"],
        unique=True,
        postgresql_where=sa.text("confirmed_at IS NULL AND ended_at IS NULL"),
    )
    op.create_table(
        "passkey_challenge",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum(
                "registration",
                "sign_in",
                "beside_password",
                "beside_link",
                "change",
                name="challenge_purpose",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "side",
            sa.Enum("client", "staff", name="challenge_side", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("factor_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
        sa.ForeignKeyConstraint(["factor_id"], ["second_factor.id"]),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_index(op.f("ix_passkey_challenge_expires_at"), "passkey_challenge", ["expires_at"], unique=False)
    op.create_table(
        "token",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "session",
                "therapist",
                "activation",
                "invitation",
                "reset",
                "email",
                "device",
                "pass",
                "join",
                name="token_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("therapist_id", sa.Uuid(), nullable=True),
        sa.Column("email_change_id", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("network", sa.String(length=64), nullable=True),
        sa.Column("agent", sa.String(length=200), nullable=True),
        sa.Column("factor_at_provider", sa.Boolean(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.ForeignKeyConstraint(
            ["therapist_id"],
            ["therapist.id"],
        ),
        sa.ForeignKeyConstraint(
            ["email_change_id"],
            ["email_change.id"],
        ),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_index(op.f("ix_token_account_id"), "token", ["account_id"], unique=False)
    op.create_index(op.f("ix_token_client_id"), "token", ["client_id"], unique=False)
    op.create_index(op.f("ix_token_therapist_id"), "token", ["therapist_id"], unique=False)
    op.create_index("token_by_end", "token", [sa.text("(COALESCE(revoked_at, used_at, expires_at))")], unique=False)
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
        "chat_member",
        sa.Column("chat_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "left_because",
            sa.Enum(
                "left",
                "removed",
                "archived",
                "joined",
                name="chat_member_left",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.CheckConstraint("(left_at IS NULL) = (left_because IS NULL)", name="chat_member_leaves_for_a_reason"),
        sa.ForeignKeyConstraint(
            ["chat_id"],
            ["chat.id"],
        ),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.PrimaryKeyConstraint("chat_id", "client_id"),
    )
    op.create_index(
        "chats_of_client", "chat_member", ["client_id"], unique=False, postgresql_where=sa.text("left_at IS NULL")
    )
    op.create_table(
        "chat_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("chat_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("author_client_id", sa.Uuid(), nullable=True),
        sa.Column("blast_id", sa.Uuid(), nullable=True),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_client_id"],
            ["client.id"],
        ),
        sa.ForeignKeyConstraint(
            ["blast_id"],
            ["blast.id"],
        ),
        sa.ForeignKeyConstraint(
            ["chat_id"],
            ["chat.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("chat_id", "seq", name="messages_are_numbered"),
    )
    op.create_index(op.f("ix_chat_message_blast_id"), "chat_message", ["blast_id"], unique=False)
    op.create_index("messages_by_time", "chat_message", ["written_at"], unique=False)
    op.create_table(
        "chat_read",
        sa.Column("chat_id", sa.Uuid(), nullable=False),
        sa.Column("reader", sa.String(length=200), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["chat_id"],
            ["chat.id"],
        ),
        sa.PrimaryKeyConstraint("chat_id", "reader"),
    )
    op.create_table(
        "form_answer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("answers", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("consent_text", sa.String(), nullable=True),
        sa.Column("consent_version", sa.String(), nullable=True),
        sa.Column("answered_by", sa.String(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["form_request.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_form_answer_request_id"), "form_answer", ["request_id"], unique=False)
    op.create_table(
        "signed_copy",
        sa.Column("answer_id", sa.Uuid(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["answer_id"],
            ["form_answer.id"],
        ),
        sa.PrimaryKeyConstraint("answer_id"),
    )
    op.create_table(
        "form_draft",
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("answers", sa.LargeBinary(), nullable=False),
        sa.Column("saved_by", sa.String(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.PrimaryKeyConstraint("client_id", "kind", "version"),
    )
    op.create_index(op.f("ix_form_draft_saved_at"), "form_draft", ["saved_at"], unique=False)
    op.create_table(
        "form_upload",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("field", sa.String(length=150), nullable=False),
        sa.Column("filename", sa.LargeBinary(), nullable=False),
        sa.Column("content_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("uploaded_by", sa.String(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("size > 0", name="upload_not_empty"),
        sa.ForeignKeyConstraint(
            ["answer_id"],
            ["form_answer.id"],
        ),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_form_upload_answer_id"), "form_upload", ["answer_id"], unique=False)
    op.create_index(op.f("ix_form_upload_client_id"), "form_upload", ["client_id"], unique=False)
    op.create_index(
        "uploads_without_answer",
        "form_upload",
        ["wanted_at"],
        unique=False,
        postgresql_where=sa.text("answer_id IS NULL"),
    )
    op.create_table(
        "form_upload_content",
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["upload_id"], ["form_upload.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("upload_id", "number"),
    )
    op.create_table(
        "occupied_time",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("therapist_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("appointment_id", sa.Uuid(), nullable=True),
        sa.Column(
            "type",
            sa.Enum(
                "intro_call", "session", name="occupied_time_type", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("visitor", sa.String(length=64), nullable=True),
        sa.Column("network", sa.String(length=64), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("client_id"), "="),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            deferrable="True",
            initially="IMMEDIATE",
            using="gist",
            name="no_client_twice_at_once",
        ),
        postgresql.ExcludeConstraint(
            (sa.column("therapist_id"), "="),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            deferrable="True",
            initially="IMMEDIATE",
            using="gist",
            name="no_two_at_once",
        ),
        sa.CheckConstraint(
            "(appointment_id IS NULL) = (expires_at IS NOT NULL)", name="occupied_time_is_a_hold_or_an_appointment"
        ),
        sa.CheckConstraint("starts_at < ends_at", name="occupied_time_in_order"),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointment.id"],
        ),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.ForeignKeyConstraint(
            ["therapist_id"],
            ["therapist.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("appointment_id"),
    )
    op.create_index("occupied_time_by_start", "occupied_time", ["therapist_id", "starts_at"], unique=False)
    op.create_index(
        "occupied_time_of_holds",
        "occupied_time",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )
    op.create_index(
        "occupied_time_by_holder",
        "occupied_time",
        ["made_by"],
        unique=False,
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )
    op.create_table(
        "payment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("appointment_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "session",
                "no_show",
                "late_cancellation",
                name="payment_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("credit_used", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "scheduled",
                "processing",
                "paid",
                "requires_action",
                "failed",
                "owed",
                "cancelled",
                "waived",
                "written_off",
                "refunded",
                "partially_refunded",
                name="payment_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("because", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stated", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("intent", sa.String(), nullable=True),
        sa.Column("exception", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("exception_why", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("amount > 0", name="payment_amount_positive"),
        sa.CheckConstraint("credit_used >= 0 AND credit_used <= amount", name="payment_credit_within_amount"),
        sa.CheckConstraint("refunded >= 0 AND refunded <= amount", name="payment_refunded_within_amount"),
        sa.CheckConstraint("(paid_at IS NULL) = (stated IS NULL)", name="payment_paid_is_stated"),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointment.id"],
        ),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("appointment_id"),
        sa.UniqueConstraint("intent"),
    )
    op.create_index(
        "payment_unpaid",
        "payment",
        ["status"],
        unique=False,
        postgresql_where=sa.text("status IN ('scheduled', 'failed', 'requires_action', 'processing', 'owed')"),
    )
    op.create_index("payment_by_client", "payment", ["client_id", "due_at"], unique=False)
    op.create_index("payment_by_due_time", "payment", ["due_at", "id"], unique=False)
    op.create_index("payment_by_paid_time", "payment", ["paid_at"], unique=False)
    op.create_index(
        "payment_pending_by_appointment",
        "payment",
        ["appointment_id"],
        unique=False,
        postgresql_where=sa.text("status IN ('failed', 'processing', 'requires_action', 'scheduled')"),
    )
    op.create_index(
        "payment_pending_by_deadline",
        "payment",
        ["deadline"],
        unique=False,
        postgresql_where=sa.text("status IN ('failed', 'processing', 'requires_action', 'scheduled')"),
    )
    op.create_table(
        "session_note",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("appointment_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("therapist_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("written_by", sa.String(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shared_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointment.id"],
        ),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.ForeignKeyConstraint(
            ["therapist_id"],
            ["therapist.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("appointment_id"),
    )
    op.create_index("notes_of_client", "session_note", ["client_id", "written_at", "id"], unique=False)
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
    op.create_table(
        "blast_line",
        sa.Column("blast_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("left_out_because", sa.String(), nullable=True),
        sa.CheckConstraint("(message_id IS NULL) <> (left_out_because IS NULL)", name="blast_line_says_one_thing"),
        sa.ForeignKeyConstraint(
            ["blast_id"],
            ["blast.id"],
        ),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["chat_message.id"],
        ),
        sa.PrimaryKeyConstraint("blast_id", "client_id"),
    )
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
        "payment_try",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("payment_method", sa.String(), nullable=True),
        sa.Column("fingerprint", sa.String(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.String(), nullable=True),
        sa.Column("decline_code", sa.String(), nullable=True),
        sa.Column("charge", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payment.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("payment_id", "number", name="tries_are_numbered"),
    )
    op.create_index(op.f("ix_payment_try_payment_id"), "payment_try", ["payment_id"], unique=False)
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
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("approved_by", sa.String(), nullable=True),
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
    op.create_table(
        "credit_reversal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name="credit_reversal_positive"),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payment.id"],
        ),
        sa.ForeignKeyConstraint(
            ["refund_id"],
            ["refund.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_credit_reversal_payment_id"), "credit_reversal", ["payment_id"], unique=False)
    op.create_table(
        "approval",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column(
            "act",
            sa.Enum(
                "credit",
                "refund",
                "waive",
                "write_off",
                name="approval_act",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("order", sa.LargeBinary(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column(
            "asked_role",
            sa.Enum(
                "booking_site",
                "client",
                "therapist",
                "care_team",
                "admin",
                name="approval_role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("asked_as", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lapses_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "settled",
            sa.Enum(
                "open",
                "approved",
                "refused",
                "lapsed",
                name="approval_settled",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("settled_by", sa.String(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("amount > 0", name="approval_amount_positive"),
        sa.CheckConstraint("(settled IS NULL) = (settled_at IS NULL)", name="approval_settled_at_an_instant"),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payment.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("request_id"),
    )
    op.create_index("approval_by_time", "approval", ["asked_at", "id"], unique=False)
    op.create_index(op.f("ix_approval_client_id"), "approval", ["client_id"], unique=False)
    op.create_index(op.f("ix_approval_payment_id"), "approval", ["payment_id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "mail",
                "look_for_double",
                "cancel_intent",
                "send_refund",
                name="outbox_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("template", sa.String(length=60), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("appointment_id", sa.Uuid(), nullable=True),
        sa.Column("order", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("vital", sa.Boolean(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "waiting",
                "claimed",
                "sending",
                "sent",
                "done",
                "not_wanted",
                "undeliverable",
                "uncertain",
                "unwritable",
                name="outbox_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reader", sa.String(length=20), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointment.id"],
        ),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.id"],
        ),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index(
        "outbox_lost",
        "outbox",
        ["made_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('undeliverable', 'uncertain', 'unwritable')"),
    )
    op.create_index(op.f("ix_outbox_message_id"), "outbox", ["message_id"], unique=False)
    op.create_index("outbox_of_client", "outbox", ["client_id", "seq"], unique=False)
    op.create_index(
        "outbox_with_address", "outbox", ["made_at"], unique=False, postgresql_where=sa.text("recipient <> ''")
    )
    op.create_index(
        "outbox_waiting_by_appointment",
        "outbox",
        ["appointment_id"],
        unique=False,
        postgresql_where=sa.text("status IN ('waiting', 'claimed', 'sending')"),
    )
    op.create_index(
        "outbox_waiting",
        "outbox",
        ["next_try_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('waiting', 'claimed', 'sending')"),
    )
    op.create_table(
        "row_change",
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("xid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "client",
                "appointment",
                "payment",
                "form",
                "task",
                "other",
                name="row_change_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("item", sa.Uuid(), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "xid", "kind", "item", "shown"),
    )
    op.create_index("changes_in_order", "row_change", ["xid"], unique=False)
    op.create_index("changes_of_item", "row_change", ["kind", "item", "at"], unique=False)
    op.create_index("changes_in_time", "row_change", ["kind", "at"], unique=False)
    _note_changes()
    # For everybody, an owner too: whoever wants to change these must first switch it off, and can be seen to have.
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
        END $$
        """
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            f" FOR EACH STATEMENT {REMOVED_WHEN_OLD.get(table, '')} EXECUTE FUNCTION refuse_change()"
        )
    # The programs' role ends an opening, and may write nothing else of it: not that it did not end after all, either.
    op.execute(
        """
        CREATE FUNCTION refuse_reopening() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'an opening that was ended stays so' USING ERRCODE = 'insufficient_privilege';
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER ended_once BEFORE UPDATE ON opening FOR EACH ROW WHEN (OLD.closed_at IS NOT NULL"
        " AND (NEW.closed_at, NEW.closed_by) IS DISTINCT FROM (OLD.closed_at, OLD.closed_by))"
        " EXECUTE FUNCTION refuse_reopening()"
    )
    # Numbers of lines follow each other: whoever could say beforehand that the next are covered would keep them from
    # being chained. No foreign key, since the lines of old months go.
    op.execute(
        """
        CREATE FUNCTION refuse_line_to_come() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NOT EXISTS (SELECT FROM access_line WHERE number = NEW.line) THEN
                RAISE EXCEPTION 'there is no line % of the access log', NEW.line USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER covers_what_is_there BEFORE INSERT ON chained_access"
        " FOR EACH ROW EXECUTE FUNCTION refuse_line_to_come()"
    )
    # Ids are given in the order of writing, and seen in that of commits. Whoever writes events keeps a lock, until the
    # transaction ends, whose number is below all ids that it will be given; a lock of one number is in nobody's way.
    # Up to the lowest of them whatever will ever be there is there. The newest id is looked up before the locks: who was
    # given a lower one has had a lock by then, or has ended.
    op.execute(
        f"""
        CREATE FUNCTION say_where_events_begin() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock_shared(
                {EVENTS_UNDER_WAY}, CASE WHEN is_called THEN last_value::int ELSE 0 END
            ) FROM event_id_seq;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER seen_in_order BEFORE INSERT ON event FOR EACH STATEMENT EXECUTE FUNCTION say_where_events_begin()"
    )
    op.execute(
        f"""
        CREATE FUNCTION settled_events() RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE
            newest bigint;
            lowest bigint;
        BEGIN
            SELECT CASE WHEN is_called THEN last_value ELSE 0 END INTO newest FROM event_id_seq;
            SELECT min(objid::bigint) INTO lowest FROM pg_locks
            WHERE locktype = 'advisory' AND classid = {EVENTS_UNDER_WAY} AND objsubid = 2
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database());
            RETURN least(newest, lowest);
        END $$
        """  # noqa: S608 - a number of ours
    )


def _note_changes() -> None:
    """A row for each transaction, client and item. Its number is the transaction's own, so that nobody waits here."""
    op.execute(
        """
        CREATE FUNCTION note_change(whose uuid, what text, which uuid, seen boolean) RETURNS void
        LANGUAGE sql AS $$
            INSERT INTO row_change (client_id, xid, kind, item, shown, at)
            VALUES (
                COALESCE(whose, '00000000-0000-0000-0000-000000000000'),
                pg_current_xact_id()::text::bigint,
                what,
                COALESCE(which, '00000000-0000-0000-0000-000000000000'),
                seen,
                clock_timestamp()
            )
            -- A second change of this transaction says nothing new; one of another cluster's, from which this database
            -- was copied, may have had the same number.
            ON CONFLICT (client_id, xid, kind, item, shown) DO UPDATE SET at = EXCLUDED.at
            WHERE row_change.at < transaction_timestamp()
        $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION note_change_of_practice() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM note_change(NULL, 'other', NULL, true);
            RETURN NULL;
        END $$
        """
    )
    # What has no client of its own has that of the payment, or of the form, that it belongs to.
    for name, owner, key, kind in (
        ("note_change_of_payment", "payment", "payment_id", "payment"),
        ("note_change_of_answer", "form_request", "request_id", "form"),
    ):
        op.execute(
            f"""
            CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE
                one record;
            BEGIN
                IF TG_OP = 'DELETE' THEN
                    one := OLD;
                ELSE
                    one := NEW;
                END IF;
                PERFORM note_change(client_id, '{kind}', id, true) FROM {owner} WHERE id = one.{key};
                RETURN NULL;
            END $$
            """
        )
    # To its client a form that an archive suspends is asked for as before: that the row has changed is not told.
    op.execute(
        """
        CREATE FUNCTION note_change_of_client() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            one record;
            seen boolean := true;
        BEGIN
            IF TG_OP = 'DELETE' THEN
                one := OLD;
            ELSE
                one := NEW;
            END IF;
            IF TG_OP = 'UPDATE' AND OLD.client_id IS DISTINCT FROM NEW.client_id THEN
                PERFORM note_change(OLD.client_id, 'other', NULL, true);
            END IF;
            CASE TG_TABLE_NAME
                WHEN 'appointment' THEN
                    PERFORM note_change(one.client_id, 'appointment', one.id, true);
                WHEN 'payment' THEN
                    PERFORM note_change(one.client_id, 'payment', one.id, true);
                    PERFORM note_change(one.client_id, 'appointment', one.appointment_id, true);
                WHEN 'task' THEN
                    PERFORM note_change(one.client_id, 'task', one.id, false);
                WHEN 'form_request' THEN
                    IF TG_OP = 'UPDATE' THEN
                        seen := NEW.status NOT IN ('requested', 'suspended')
                            OR OLD.status NOT IN ('requested', 'suspended')
                            OR to_jsonb(OLD) - 'status' IS DISTINCT FROM to_jsonb(NEW) - 'status';
                    END IF;
                    PERFORM note_change(one.client_id, 'form', one.id, seen);
                ELSE
                    PERFORM note_change(one.client_id, 'other', NULL, true);
            END CASE;
            RETURN NULL;
        END $$
        """
    )
    # Nothing but what the client side is shown of its own record: an archive is not.
    op.execute(
        """
        CREATE FUNCTION note_change_of_record() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            one record;
            seen boolean := true;
        BEGIN
            IF TG_OP = 'DELETE' THEN
                one := OLD;
            ELSE
                one := NEW;
            END IF;
            IF TG_OP = 'UPDATE' THEN
                seen := (
                    OLD.stage_shown, OLD.first_name, OLD.last_name, OLD.email, OLD.phone, OLD.time_zone, OLD.state,
                    OLD.therapist_id, OLD.group_id, OLD.portal_settings, OLD.unsubscribed, OLD.test,
                    OLD.account_active, OLD.card
                ) IS DISTINCT FROM (
                    NEW.stage_shown, NEW.first_name, NEW.last_name, NEW.email, NEW.phone, NEW.time_zone, NEW.state,
                    NEW.therapist_id, NEW.group_id, NEW.portal_settings, NEW.unsubscribed, NEW.test,
                    NEW.account_active, NEW.card
                );
            END IF;
            PERFORM note_change(one.id, 'client', one.id, seen);
            RETURN NULL;
        END $$
        """
    )
    for table, function in NOTED.items():
        op.execute(
            f"CREATE TRIGGER noted AFTER INSERT OR UPDATE OR DELETE ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION {function}()"
        )


def downgrade() -> None:
    op.execute("DROP FUNCTION settled_events")
    op.execute("DROP TRIGGER seen_in_order ON event")
    op.execute("DROP FUNCTION say_where_events_begin")
    op.drop_table("row_change")
    op.drop_index(
        "outbox_waiting_by_appointment",
        table_name="outbox",
        postgresql_where=sa.text("status IN ('waiting', 'claimed', 'sending')"),
    )
    op.drop_index(
        "outbox_waiting",
        table_name="outbox",
        postgresql_where=sa.text("status IN ('waiting', 'claimed', 'sending')"),
    )
    op.drop_index("outbox_with_address", table_name="outbox", postgresql_where=sa.text("recipient <> ''"))
    op.drop_index("outbox_of_client", table_name="outbox")
    op.drop_index(op.f("ix_outbox_message_id"), table_name="outbox")
    op.drop_table("outbox")
    op.drop_index(op.f("ix_approval_payment_id"), table_name="approval")
    op.drop_index(op.f("ix_approval_client_id"), table_name="approval")
    op.drop_index("approval_by_time", table_name="approval")
    op.drop_table("approval")
    op.drop_index(op.f("ix_credit_reversal_payment_id"), table_name="credit_reversal")
    op.drop_table("credit_reversal")
    op.drop_index(op.f("ix_refund_payment_id"), table_name="refund")
    op.drop_index(op.f("ix_refund_client_id"), table_name="refund")
    op.drop_table("refund")
    op.drop_index(op.f("ix_payment_try_payment_id"), table_name="payment_try")
    op.drop_table("payment_try")
    op.drop_index(op.f("ix_dispute_payment_id"), table_name="dispute")
    op.drop_index(op.f("ix_dispute_client_id"), table_name="dispute")
    op.drop_table("dispute")
    op.drop_index(op.f("ix_credit_use_payment_id"), table_name="credit_use")
    op.drop_index(op.f("ix_credit_use_credit_id"), table_name="credit_use")
    op.drop_table("credit_use")
    op.drop_table("blast_line")
    op.drop_index("one_open_offer", table_name="waitlist_offer", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_index(op.f("ix_waitlist_offer_place_id"), table_name="waitlist_offer")
    op.drop_table("waitlist_offer")
    op.drop_index("notes_of_client", table_name="session_note")
    op.drop_table("session_note")
    op.drop_index(
        "payment_pending_by_deadline",
        table_name="payment",
        postgresql_where=sa.text("status IN ('failed', 'processing', 'requires_action', 'scheduled')"),
    )
    op.drop_index(
        "payment_pending_by_appointment",
        table_name="payment",
        postgresql_where=sa.text("status IN ('failed', 'processing', 'requires_action', 'scheduled')"),
    )
    op.drop_index("payment_by_paid_time", table_name="payment")
    op.drop_index("payment_by_due_time", table_name="payment")
    op.drop_index("payment_by_client", table_name="payment")
    op.drop_table("payment")
    op.drop_index(
        "occupied_time_by_holder", table_name="occupied_time", postgresql_where=sa.text("expires_at IS NOT NULL")
    )
    op.drop_index(
        "occupied_time_of_holds", table_name="occupied_time", postgresql_where=sa.text("expires_at IS NOT NULL")
    )
    op.drop_index("occupied_time_by_start", table_name="occupied_time")
    op.drop_table("occupied_time")
    op.drop_table("form_upload_content")
    op.drop_index("uploads_without_answer", table_name="form_upload", postgresql_where=sa.text("answer_id IS NULL"))
    op.drop_index(op.f("ix_form_upload_client_id"), table_name="form_upload")
    op.drop_index(op.f("ix_form_upload_answer_id"), table_name="form_upload")
    op.drop_table("form_upload")
    op.drop_index(op.f("ix_form_draft_saved_at"), table_name="form_draft")
    op.drop_table("form_draft")
    op.drop_table("signed_copy")
    op.drop_index(op.f("ix_form_answer_request_id"), table_name="form_answer")
    op.drop_table("form_answer")
    op.drop_table("chat_read")
    op.drop_index("messages_by_time", table_name="chat_message")
    op.drop_index(op.f("ix_chat_message_blast_id"), table_name="chat_message")
    op.drop_table("chat_message")
    op.drop_index("chats_of_client", table_name="chat_member", postgresql_where=sa.text("left_at IS NULL"))
    op.drop_table("chat_member")
    op.drop_index("waitlist_in_order", table_name="waitlist_place", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_index("one_live_place", table_name="waitlist_place", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_index(op.f("ix_waitlist_place_client_id"), table_name="waitlist_place")
    op.drop_table("waitlist_place")
    op.drop_index("token_by_end", table_name="token")
    op.drop_index(op.f("ix_token_therapist_id"), table_name="token")
    op.drop_index(op.f("ix_token_client_id"), table_name="token")
    op.drop_index(op.f("ix_token_account_id"), table_name="token")
    op.drop_table("token")
    op.drop_index(op.f("ix_passkey_challenge_expires_at"), table_name="passkey_challenge")
    op.drop_table("passkey_challenge")
    op.drop_index(
        "one_factor_being_set_up",
        table_name="second_factor",
        postgresql_where=sa.text("confirmed_at IS NULL AND ended_at IS NULL"),
    )
    op.drop_index(op.f("ix_second_factor_account_id"), table_name="second_factor")
    op.drop_table("second_factor")
    op.drop_index(op.f("ix_recovery_code_account_id"), table_name="recovery_code")
    op.drop_table("recovery_code")
    op.drop_index(op.f("ix_oidc_sign_in_expires_at"), table_name="oidc_sign_in")
    op.drop_index(op.f("ix_oidc_sign_in_account_id"), table_name="oidc_sign_in")
    op.drop_table("oidc_sign_in")
    op.drop_table("oidc_link")
    op.drop_index("openings_in_force", table_name="opening")
    op.drop_index("openings_of_client", table_name="opening")
    op.drop_table("opening")
    op.drop_index(op.f("ix_email_change_account_id"), table_name="email_change")
    op.drop_table("email_change")
    op.drop_index("one_account_per_therapist", table_name="account", postgresql_where=sa.text("deactivated_at IS NULL"))
    op.drop_index(
        "one_staff_account_per_address", table_name="account", postgresql_where=sa.text("deactivated_at IS NULL")
    )
    op.drop_index(op.f("ix_account_therapist_id"), table_name="account")
    op.drop_table("account")
    op.drop_index(op.f("ix_task_client_id"), table_name="task")
    op.drop_table("task")
    op.drop_table("step_answer")
    op.drop_index("resumptions_of_workflow", table_name="resumption")
    op.drop_index("resumptions_not_done", table_name="resumption", postgresql_where=sa.text("done_at IS NULL"))
    op.drop_index(op.f("ix_resumption_keeping_id"), table_name="resumption")
    op.drop_table("resumption")
    op.drop_index(op.f("ix_notification_client_id"), table_name="notification")
    op.drop_index("feed_of_therapist", table_name="notification")
    op.drop_table("notification")
    op.drop_index(op.f("ix_form_match_client_id"), table_name="form_match")
    op.drop_table("form_match")
    op.drop_index("one_present_match", table_name="match", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_index(op.f("ix_match_therapist_id"), table_name="match")
    op.drop_index(op.f("ix_match_client_id"), table_name="match")
    op.drop_table("match")
    op.drop_index("goals_of_client", table_name="goal")
    op.drop_table("goal")
    op.drop_index(op.f("ix_form_request_client_id"), table_name="form_request")
    op.drop_table("form_request")
    op.drop_index(op.f("ix_remark_client_id"), table_name="remark")
    op.drop_table("remark")
    op.drop_index("webhook_deliveries", table_name="webhook_delivery")
    op.drop_index("webhook_waiting", table_name="webhook_delivery", postgresql_where=sa.text("state = 'waiting'"))
    op.drop_index(op.f("ix_webhook_delivery_event_id"), table_name="webhook_delivery")
    op.drop_table("webhook_delivery")
    op.drop_table("webhook_endpoint")
    op.drop_table("events_removed")
    op.drop_index("events_by_time", table_name="event")
    op.drop_index("events_of_client", table_name="event")
    op.drop_table("event")
    op.drop_table("fact")
    op.drop_index("shares_of_client", table_name="document_share", postgresql_where=sa.text("unshared_at IS NULL"))
    op.drop_index("one_live_share", table_name="document_share", postgresql_where=sa.text("unshared_at IS NULL"))
    op.drop_index(op.f("ix_document_share_document_id"), table_name="document_share")
    op.drop_table("document_share")
    op.drop_table("document_content")
    op.drop_index("credit_by_client", table_name="credit")
    op.drop_table("credit")
    op.drop_index("one_staff_chat", table_name="chat", postgresql_where=sa.text("kind = 'staff'"))
    op.drop_index("one_direct_chat", table_name="chat", postgresql_where=sa.text("kind = 'direct'"))
    op.drop_index("one_care_team_chat", table_name="chat", postgresql_where=sa.text("kind = 'care_team'"))
    op.drop_index(op.f("ix_chat_therapist_id"), table_name="chat")
    op.drop_index(op.f("ix_chat_client_id"), table_name="chat")
    op.drop_table("chat")
    op.drop_index(op.f("ix_bulk_archive_line_client_id"), table_name="bulk_archive_line")
    op.drop_table("bulk_archive_line")
    op.drop_index(op.f("ix_appointment_series_id"), table_name="appointment")
    op.drop_index(
        "appointment_of_network",
        table_name="appointment",
        postgresql_where=sa.text("network IS NOT NULL"),
    )
    op.drop_index(
        "appointment_of_visitor",
        table_name="appointment",
        postgresql_where=sa.text("visitor IS NOT NULL"),
    )
    op.drop_index(
        "appointment_scheduled_by_end", table_name="appointment", postgresql_where=sa.text("status = 'scheduled'")
    )
    op.drop_index(
        "appointment_scheduled_by_id", table_name="appointment", postgresql_where=sa.text("status = 'scheduled'")
    )
    op.drop_index("appointment_by_start", table_name="appointment")
    op.drop_index("appointment_by_therapist", table_name="appointment")
    op.drop_index("appointment_by_client", table_name="appointment")
    op.drop_table("appointment")
    op.drop_index(op.f("ix_weekly_hours_therapist_id"), table_name="weekly_hours")
    op.drop_table("weekly_hours")
    op.drop_index(op.f("ix_calendar_consent_expires_at"), table_name="calendar_consent")
    op.drop_index(op.f("ix_calendar_consent_calendar_id"), table_name="calendar_consent")
    op.drop_table("calendar_consent")
    op.drop_index("outside_busy_by_start", table_name="outside_busy")
    op.drop_table("outside_busy")
    op.drop_index(op.f("ix_outside_calendar_therapist_id"), table_name="outside_calendar")
    op.drop_table("outside_calendar")
    op.drop_index("one_leave", table_name="leave", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_table("leave")
    op.drop_index(op.f("ix_time_off_therapist_id"), table_name="time_off")
    op.drop_table("time_off")
    op.drop_index(op.f("ix_document_therapist_id"), table_name="document")
    op.drop_table("document")
    op.drop_index(op.f("ix_date_override_therapist_id"), table_name="date_override")
    op.drop_table("date_override")
    op.drop_index(
        "one_client_per_address",
        table_name="client",
        postgresql_where=sa.text("email_folded IS NOT NULL AND (account_active OR made_by_staff)"),
    )
    op.drop_index(op.f("ix_client_group_id"), table_name="client")
    op.drop_index("client_by_therapist", table_name="client", postgresql_include=["closed_at", "joined_into"])
    op.drop_index("client_by_name", table_name="client")
    op.drop_index("client_by_age", table_name="client")
    op.drop_index("client_by_address", table_name="client")
    op.drop_table("client")
    op.drop_table("calendar_feed")
    op.drop_table("therapist_photo")
    op.drop_table("bulk_archive")
    op.drop_table("appointment_settings")
    op.drop_table("therapist")
    op.drop_index(op.f("ix_handed_in_handed_in_at"), table_name="handed_in")
    op.drop_table("handed_in")
    op.drop_table("form_words")
    op.drop_table("reencryption")
    op.drop_table("reconciliation")
    op.drop_table("program_key")
    op.drop_table("keeping")
    op.drop_index("inbound_events_left", table_name="inbound_event", postgresql_where=sa.text("handled_at IS NULL"))
    op.drop_table("inbound_event")
    op.drop_index(op.f("ix_idempotency_key_claimed_at"), table_name="idempotency_key")
    op.drop_table("idempotency_key")
    op.drop_table("text_draft")
    op.drop_table("practice_text")
    op.drop_table("settings_seen")
    op.drop_table("settings")
    op.drop_table("epoch")
    op.drop_table("applied_migration")
    op.drop_table("closure")
    op.drop_table("client_group")
    op.drop_index(op.f("ix_budget_use_last_at"), table_name="budget_use")
    op.drop_table("budget_use")
    op.drop_table("blast")
    op.drop_index("heads_of_client", table_name="anchored_head")
    op.drop_table("anchored_head")
    op.drop_table("anchor")
    op.drop_index("lines_of_block", table_name="chained_access")
    op.drop_table("chained_access")
    op.drop_table("access_repeat")
    op.drop_index("access_lines_of_event", table_name="access_line")
    op.drop_index("access_lines_of_who", table_name="access_line")
    op.drop_index("access_lines_of_client", table_name="access_line", postgresql_using="gin")
    op.drop_index("access_lines_in_time", table_name="access_line")
    op.drop_table("access_line")
    op.drop_table("access_block")
    op.execute("DROP FUNCTION refuse_reopening")
    op.execute("DROP FUNCTION refuse_change")
    op.execute("DROP FUNCTION refuse_line_to_come")
    for function in sorted({*NOTED.values()}):
        op.execute(f"DROP FUNCTION {function}")
    op.execute("DROP FUNCTION note_change")
