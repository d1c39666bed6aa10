"""Whose changes are noted: decided for each table, since a mark of an answer that outlives a change is a lie."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import SQLModel

_NOTED = text("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'noted'")
NOT_SHOWN = {
    "who looked, and what proves it": "access_block access_line access_repeat anchor anchored_head chained_access",
    "who may ask: looked up each time": "email_change oidc_link oidc_sign_in passkey_challenge program_key"
    " recovery_code second_factor token",
    "bookkeeping of requests, steps and rounds": "applied_migration budget_use epoch handed_in idempotency_key"
    " inbound_event keeping outbox reencryption resumption row_change settings settings_seen step_answer",
    "in no answer that has a version": "blast bulk_archive calendar_feed chat_message chat_read document_content"
    " form_upload_content occupied_time reconciliation signed_copy text_draft waitlist_offer",
    "what goes out to programs, and what comes in of calendars": "calendar_consent event events_removed outside_busy"
    " outside_calendar webhook_delivery webhook_endpoint",
}


async def test_each_table_is_noted_or_in_no_answer_that_has_a_version(database: AsyncEngine) -> None:
    async with database.connect() as connection:
        noted = set((await connection.execute(_NOTED)).scalars())
    not_shown = {table for tables in NOT_SHOWN.values() for table in tables.split()}
    assert noted & not_shown == set()
    every = {table.name for table in SQLModel.metadata.sorted_tables}
    assert noted | not_shown == every, "decide: NOTED of the first migration, or why it shows in no such answer"
