"""Everybody who could be a client's therapist, as one JSON document: what a match is made from, and replayed from."""

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

# One row, built by the database: thousands of hours and lists would otherwise become objects first, and JSON again.
# Lists are text in it: most therapists' are like another's, and then need not be read at all.
_ALL = text("""
SELECT coalesce(json_agg(json_build_object(
    'slug', t.slug,
    'name', t.name,
    'accepting_clients', t.accepting_clients,
    'gender', t.gender,
    'intro_calls', t.intro_calls,
    'caseload_limit', t.caseload_limit,
    'active_clients', coalesce(caseload.clients, 0),
    'licensed_in', to_json(t.licensed_in)::text,
    'concerns', to_json(t.concerns)::text,
    'languages', to_json(t.languages)::text,
    'modalities', to_json(t.modalities)::text,
    'insurances', to_json(t.insurances)::text,
    'weekly', coalesce(hours.windows, '[]')
) ORDER BY t.slug), '[]'::json)::text
FROM therapist t
LEFT JOIN (
    SELECT therapist_id, json_agg(json_build_array(weekday, opens, closes, types) ORDER BY id)::text AS windows
    FROM weekly_hours GROUP BY therapist_id
) hours ON hours.therapist_id = t.id
LEFT JOIN (
    SELECT therapist_id, count(*) AS clients
    FROM client WHERE status = 'active' AND closed_at IS NULL GROUP BY therapist_id
) caseload ON caseload.therapist_id = t.id
""")


async def candidates_record(session: AsyncSession) -> str:
    """A JSON list of all therapists with weekly hours and present caseload, as `rules.clients.candidates` reads it."""
    connection = await session.connection()
    return str((await connection.execute(_ALL)).scalar_one())
