"""Taking away what counts for nothing any more (retention): a bounded statement a table, passing by what is locked."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from models.writes.idempotency import KEPT_FOR
from rules.accounts.limits import ENDED_TOKENS_KEPT, MAILS_WITHIN
from rules.changes import ChangedKind
from rules.forms.drafts import DRAFTS_KEPT
from rules.mail.events import ADDRESSES_KEPT

AT_ONCE = 1000  # rows of a table in one transaction; the next one goes on

_SWEEPS = {
    "tokens": """
        DELETE FROM token WHERE hash IN (
            SELECT hash FROM token WHERE COALESCE(revoked_at, used_at, expires_at) < :tokens
            LIMIT :most FOR UPDATE SKIP LOCKED)""",
    "budgets": """
        DELETE FROM budget_use WHERE key IN (
            SELECT key FROM budget_use WHERE last_at < :budgets LIMIT :most FOR UPDATE SKIP LOCKED)""",
    "answers": """
        DELETE FROM idempotency_key WHERE (caller, route, key) IN (
            SELECT caller, route, key FROM idempotency_key WHERE claimed_at <= :answers
            LIMIT :most FOR UPDATE SKIP LOCKED)""",
    "holds": """
        DELETE FROM occupied_time WHERE id IN (
            SELECT id FROM occupied_time WHERE expires_at < :holds LIMIT :most FOR UPDATE SKIP LOCKED)""",
    "drafts": """
        DELETE FROM form_draft WHERE (client_id, kind, version) IN (
            SELECT client_id, kind, version FROM form_draft WHERE saved_at <= :drafts
            LIMIT :most FOR UPDATE SKIP LOCKED)""",
    "uploads": """
        DELETE FROM form_upload WHERE id IN (
            SELECT id FROM form_upload WHERE answer_id IS NULL AND wanted_at <= :drafts
            LIMIT :most FOR UPDATE SKIP LOCKED)""",
    "addresses of mails": """
        UPDATE outbox SET recipient = '' WHERE key IN (
            SELECT key FROM outbox WHERE recipient <> '' AND made_at < :mailed
                AND status NOT IN ('waiting', 'claimed', 'sending')
                AND GREATEST(made_at, next_try_at, sent_at) < :mailed
            LIMIT :most FOR UPDATE SKIP LOCKED)""",
    # Of each thing the last time that it changed stays. What is behind it goes when it is old enough and when it is
    # followed, whichever comes later: both are looked for within the last day alone, and not among all that stays. What
    # a keeper misses that did not run for so long goes when its thing changes again.
    "changes": """
        DELETE FROM row_change WHERE ctid = ANY (ARRAY(
            SELECT former.ctid FROM row_change AS former
            WHERE former.kind = ANY (:kinds)
                AND former.at BETWEEN now() - interval '4 days' AND now() - interval '3 days' AND EXISTS (
                    SELECT FROM row_change AS later
                    WHERE later.kind = former.kind AND later.item = former.item AND later.client_id = former.client_id
                        AND later.shown = former.shown AND later.at > former.at)
            LIMIT :most FOR UPDATE OF former SKIP LOCKED))""",
    "changes that are followed": """
        DELETE FROM row_change WHERE ctid = ANY (ARRAY(
            SELECT former.ctid FROM row_change AS later JOIN row_change AS former
                ON former.kind = later.kind AND former.item = later.item AND former.client_id = later.client_id
                    AND former.shown = later.shown
            WHERE later.kind = ANY (:kinds) AND later.at > now() - interval '1 day'
                AND former.at < now() - interval '3 days'
            LIMIT :most FOR UPDATE OF former SKIP LOCKED))""",
    "visitors of bookings": """
        UPDATE appointment SET visitor = NULL, network = NULL WHERE id IN (
            SELECT appointment.id FROM appointment JOIN client ON client.id = appointment.client_id
            WHERE (appointment.visitor IS NOT NULL OR appointment.network IS NOT NULL)
                AND (client.account_active OR appointment.status <> 'scheduled' OR appointment.ends_at < :at)
            LIMIT :most FOR UPDATE OF appointment SKIP LOCKED)""",
}


async def sweep(session: AsyncSession, *, at: datetime) -> Mapping[str, int]:
    """How many rows of each kind were taken away, or told for whom they count no longer."""
    connection = await session.connection()
    said = {
        "at": at,
        "most": AT_ONCE,
        "kinds": [kind.value for kind in ChangedKind],
        "tokens": at - ENDED_TOKENS_KEPT,
        "budgets": at - MAILS_WITHIN,  # over which the longest of them is counted
        "answers": at - KEPT_FOR,
        "drafts": at - DRAFTS_KEPT,
        "mailed": at - ADDRESSES_KEPT,
        "holds": at - timedelta(days=1),  # a waitlist settles its offers meanwhile
    }
    swept: dict[str, int] = {}
    for what, statement in _SWEEPS.items():
        named = {name: value for name, value in said.items() if f":{name}" in statement}
        swept[what] = (await connection.execute(text(statement), named)).rowcount
    return swept
