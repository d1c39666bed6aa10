"""Everybody who could be a client's therapist, as one JSON document: what a match is made from, and replayed from."""

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

# One row, built by the database: thousands of hours and lists would otherwise become objects first, and JSON again.
_ALL = text("""
SELECT coalesce(json_agg(json_build_object(
    'slug', t.slug,
    'name', t.name,
    'accepting_clients', t.accepting_clients,
    'gender', t.gender,
    'intro_calls', t.intro_calls,
    'caseload_limit', t.caseload_limit,
    'active_clients', coalesce(caseload.clients, 0),
    'licensed_in', t.licensed_in,
    'concerns', t.concerns,
    'languages', t.languages,
    'modalities', t.modalities,
    'insurances', t.insurances,
    'weekly', coalesce(hours.windows, '[]'::json)
) ORDER BY t.slug), '[]'::json)::text
FROM therapist t
LEFT JOIN (
    SELECT therapist_id, json_agg(json_build_array(weekday, opens, closes, types) ORDER BY id) AS windows
    FROM weekly_hours GROUP BY therapist_id
) hours ON hours.therapist_id = t.id
LEFT JOIN (
    SELECT therapist_id, count(*) AS clients
    FROM client WHERE status = 'active' AND closed_at IS NULL GROUP BY therapist_id
) caseload ON caseload.therapist_id = t.id
""")


async def candidates_record(session: AsyncSession) -> str:
    """A JSON list of all therapists with weekly hours and present caseload; `rules.matching.candidates_of` reads it."""
    connection = await session.connection()
    return str((await connection.execute(_ALL)).scalar_one())
