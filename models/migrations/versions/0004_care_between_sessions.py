"""Chats, documents, notes, goals, form templates, groups, the feed, and archives of many"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _token_kinds(*kinds: str) -> None:
    op.drop_constraint("token_kind", "token", type_="check")
    op.create_check_constraint("token_kind", "token", sa.column("kind").in_(kinds))


def upgrade() -> None:
    op.create_table(
        "blast",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("sent_by", sa.String(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
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
        "form_template",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("fields", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "version", name="one_template_per_kind_and_version"),
    )
    op.create_table(
        "bulk_archive",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("notify", sa.Boolean(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["client_group.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "document",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("therapist_id", sa.Uuid(), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
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
                name="chat_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("title", sa.String(length=200), nullable=True),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("therapist_id", sa.Uuid(), nullable=True),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.Column("last_message_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["merged_into"],
            ["chat.id"],
        ),
        sa.CheckConstraint("(kind IN ('direct', 'care_team')) = (client_id IS NOT NULL)", name="chat_of_one_client"),
        sa.CheckConstraint("kind <> 'direct' OR therapist_id IS NOT NULL", name="direct_chat_has_a_therapist"),
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
    op.create_table(
        "document_content",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["document.id"],
        ),
        sa.PrimaryKeyConstraint("document_id"),
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
        "goal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("remind_weekday", sa.Integer(), nullable=True),
        sa.Column("remind_minute", sa.Integer(), nullable=True),
        sa.Column("remind_since", sa.DateTime(timezone=True), nullable=True),
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
        "notification",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("therapist_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
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
        sa.Column("text", sa.String(), nullable=False),
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
        "session_note",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("appointment_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("therapist_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
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
    op.add_column("client", sa.Column("joined_into", sa.Uuid(), nullable=True))
    op.add_column("payment_try", sa.Column("fingerprint", sa.String(), nullable=True))
    op.create_index(op.f("ix_client_group_id"), "client", ["group_id"], unique=False)
    op.create_foreign_key("client_joined_into_fkey", "client", "client", ["joined_into"], ["id"])
    op.create_foreign_key("client_group_id_fkey", "client", "client_group", ["group_id"], ["id"])
    _token_kinds("session", "therapist", "activation", "join")
    _let_forms_be_asked_again()
    _say_who_reads_mails()
    op.create_index(op.f("ix_mail_message_id"), "mail", ["message_id"], unique=False)
    _show_the_client_side_no_archive()


def _let_forms_be_asked_again() -> None:
    op.add_column("form_request", sa.Column("number", sa.Integer(), nullable=False, server_default="1"))
    op.alter_column("form_request", "number", server_default=None)
    op.drop_constraint("one_request_per_form_and_version", "form_request", type_="unique")
    op.create_unique_constraint(
        "one_request_per_form_version_and_time", "form_request", ["client_id", "kind", "version", "number"]
    )


def _say_who_reads_mails() -> None:
    """Each mail that there was before had one kind of reader."""
    op.add_column("mail", sa.Column("reader", sa.String(length=20), nullable=False, server_default="client"))
    to_therapists = (
        "'new_client', 'appointment_booked', 'appointment_changed', 'client_back', 'mark_outcome', 'book_next'"
    )
    op.execute(f"UPDATE mail SET reader = 'therapist' WHERE template IN ({to_therapists})")  # noqa: S608 - constants
    op.execute("UPDATE mail SET reader = 'care_team' WHERE template = 'task_opened'")
    op.alter_column("mail", "reader", server_default=None)


_STAGES = ("matching", "first_booking", "activation", "intake", "intro_call", "scheduling", "in_care", "archived")
_STAGE_IF_ACTIVE = """
    CASE
    WHEN status <> 'archived' THEN stage
    WHEN therapist_id IS NULL THEN 'matching'
    WHEN first_booked_at IS NULL THEN 'first_booking'
    WHEN EXISTS (SELECT FROM appointment AS a
                 WHERE a.client_id = client.id AND a.type = 'session' AND a.status = 'occurred') THEN 'in_care'
    WHEN NOT account_active THEN 'activation'
    WHEN (SELECT count(DISTINCT f.kind) FROM form_request AS f
          WHERE f.client_id = client.id AND f.status = 'complete'
          AND f.kind IN ('informed_consent', 'initial_consultation', 'billing_info')) < 3 THEN 'intake'
    WHEN EXISTS (SELECT FROM appointment AS a
                 WHERE a.client_id = client.id AND a.type = 'intro_call' AND a.status = 'scheduled') THEN 'intro_call'
    WHEN EXISTS (SELECT FROM appointment AS a
                 WHERE a.client_id = client.id AND a.type = 'session' AND a.status = 'scheduled') THEN 'in_care'
    ELSE 'scheduling'
    END
"""


def _show_the_client_side_no_archive() -> None:
    """A second stage, as if active. That of who is archived follows from the rows as it did when it was reckoned."""
    op.add_column("client", sa.Column("stage_shown", sa.String(length=40), nullable=True))
    op.execute(f"UPDATE client SET stage_shown = {_STAGE_IF_ACTIVE}")  # noqa: S608 - a constant
    op.alter_column("client", "stage_shown", nullable=False)
    op.create_check_constraint("client_stage_shown", "client", sa.column("stage_shown").in_(_STAGES))
    op.create_check_constraint("stage_shown_tells_of_no_archive", "client", "stage_shown <> 'archived'")


def downgrade() -> None:
    op.drop_constraint("one_request_per_form_version_and_time", "form_request", type_="unique")
    again = "SELECT id FROM form_request WHERE number > 1"
    op.execute(f"DELETE FROM form_answer WHERE request_id IN ({again})")  # noqa: S608 - a constant
    op.execute("DELETE FROM form_request WHERE number > 1")
    op.create_unique_constraint("one_request_per_form_and_version", "form_request", ["client_id", "kind", "version"])
    op.drop_column("form_request", "number")
    op.drop_index(op.f("ix_mail_message_id"), table_name="mail")
    op.drop_column("mail", "reader")
    op.execute("DELETE FROM token WHERE kind = 'join'")
    _token_kinds("session", "therapist", "activation")
    op.execute("UPDATE client SET group_id = NULL")
    op.drop_constraint("client_group_id_fkey", "client", type_="foreignkey")
    op.drop_constraint("client_joined_into_fkey", "client", type_="foreignkey")
    op.drop_index(op.f("ix_client_group_id"), table_name="client")
    op.drop_column("payment_try", "fingerprint")
    op.drop_column("client", "joined_into")
    op.drop_column("client", "stage_shown")
    op.drop_table("blast_line")
    op.drop_index("notes_of_client", table_name="session_note")
    op.drop_table("session_note")
    op.drop_table("chat_read")
    op.drop_index(op.f("ix_chat_message_blast_id"), table_name="chat_message")
    op.drop_table("chat_message")
    op.drop_index("chats_of_client", table_name="chat_member", postgresql_where=sa.text("left_at IS NULL"))
    op.drop_table("chat_member")
    op.drop_index(op.f("ix_notification_client_id"), table_name="notification")
    op.drop_index("feed_of_therapist", table_name="notification")
    op.drop_table("notification")
    op.drop_index("goals_of_client", table_name="goal")
    op.drop_table("goal")
    op.drop_index("shares_of_client", table_name="document_share", postgresql_where=sa.text("unshared_at IS NULL"))
    op.drop_index("one_live_share", table_name="document_share", postgresql_where=sa.text("unshared_at IS NULL"))
    op.drop_index(op.f("ix_document_share_document_id"), table_name="document_share")
    op.drop_table("document_share")
    op.drop_table("document_content")
    op.drop_index("one_direct_chat", table_name="chat", postgresql_where=sa.text("kind = 'direct'"))
    op.drop_index("one_care_team_chat", table_name="chat", postgresql_where=sa.text("kind = 'care_team'"))
    op.drop_index(op.f("ix_chat_therapist_id"), table_name="chat")
    op.drop_index(op.f("ix_chat_client_id"), table_name="chat")
    op.drop_table("chat")
    op.drop_index(op.f("ix_bulk_archive_line_client_id"), table_name="bulk_archive_line")
    op.drop_table("bulk_archive_line")
    op.drop_index(op.f("ix_document_therapist_id"), table_name="document")
    op.drop_table("document")
    op.drop_table("bulk_archive")
    op.drop_table("form_template")
    op.drop_table("client_group")
    op.drop_table("blast")
