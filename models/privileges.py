"""What the application's role may do in a database that another role owns: everything but change what is only added to.

It owns nothing, makes no tables, and can neither update, delete nor truncate the rows of `APPEND_ONLY`.
"""

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

APPEND_ONLY = (
    "fact",
    "anchor",
    "anchored_head",
    "access_line",
    "access_repeat",
    "access_block",
    "chained_access",
)
ENDED_ALONE = {"opening": "closed_at, closed_by, reason", "signed_copy": "document"}
"""Tables whose rows change in these columns alone, and are never removed. A reason, and what was signed, change only in
how they are sealed."""
_OWNED_BY_MIGRATIONS = ("alembic_version", "applied_migration")


def grant(connection: Connection, role: str) -> None:
    """Give a role what the programs need, and take from it what they do not; the owner of the tables asks."""
    name = connection.dialect.identifier_preparer.quote_identifier(role)
    for statement in (
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {name}",
        f"GRANT USAGE ON SCHEMA public TO {name}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name}",
        f"REVOKE UPDATE, DELETE ON {', '.join(APPEND_ONLY)} FROM {name}",
        *(f"REVOKE UPDATE, DELETE ON {table} FROM {name}" for table in ENDED_ALONE),
        *(f"GRANT UPDATE ({columns}) ON {table} TO {name}" for table, columns in ENDED_ALONE.items()),
        f"REVOKE INSERT, UPDATE, DELETE ON {', '.join(_OWNED_BY_MIGRATIONS)} FROM {name}",
    ):
        connection.execute(text(statement))


class RefusedRole(ValueError):
    """The role of the programs could change what is only ever added to; the message is a sentence."""


async def refuse_owner(engine: AsyncEngine) -> None:
    """Raises RefusedRole where the role of these connections could rewrite the timeline, or what is ended alone."""
    async with engine.connect() as connection:
        why = await _may_rewrite(connection)
    if why is not None:
        raise RefusedRole(
            f"DATABASE_URL is refused in production: its role {why}, so that the programs could rewrite the timeline."
        )


async def lacking(connection: AsyncConnection) -> list[str]:
    """What the role of this connection needs and may not do: half-sentences, such as ``may not add to client``."""
    only_added = {*APPEND_ONLY, *ENDED_ALONE}
    verbs = {"SELECT": "read", "INSERT": "add to", "UPDATE": "change", "DELETE": "remove from"}
    asked = text(
        "SELECT relname, privilege FROM pg_class, unnest(CAST(:privileges AS text[])) AS privilege"
        " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        " AND relname <> ALL (CAST(:migrations AS text[]))"
        " AND NOT has_table_privilege(pg_class.oid, privilege) ORDER BY relname"
    )
    found = await connection.execute(asked, {"privileges": list(verbs), "migrations": list(_OWNED_BY_MIGRATIONS)})
    missing = [
        f"may not {verbs[privilege]} {table}"
        for table, privilege in found
        if privilege in {"SELECT", "INSERT"} or table not in only_added
    ]
    sequences = text(
        "SELECT CAST(CAST(seqrelid AS regclass) AS text) FROM pg_sequence"
        " WHERE NOT has_sequence_privilege(seqrelid, 'USAGE') ORDER BY 1"
    )
    missing += [f"may not count on with {name}" for (name,) in await connection.execute(sequences)]
    temporary = text("SELECT has_database_privilege(current_database(), 'TEMPORARY')")
    if not (await connection.execute(temporary)).scalar_one():
        missing.append("may not make temporary tables, by which a full disk is noticed")
    return missing


async def _may_rewrite(connection: AsyncConnection) -> str | None:
    """Of whatever is only added to, or ended alone: by owning it, by a grant of the table, or by one of a column that
    is not to change."""
    asked = text(
        "SELECT relname, rolsuper, pg_has_role(current_user, relowner, 'MEMBER'),"
        " has_table_privilege(pg_class.oid, 'UPDATE, DELETE, TRUNCATE, TRIGGER') OR EXISTS ("
        "SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped"
        " AND NOT relname || '.' || attname = ANY (CAST(:ended AS text[]))"
        " AND has_column_privilege(pg_class.oid, attnum, 'UPDATE'))"
        " FROM pg_class, pg_roles WHERE pg_class.oid = ANY (CAST(CAST(:tables AS text[]) AS regclass[]))"
        " AND rolname = current_user ORDER BY relname"
    )
    ended = [f"{table}.{column}" for table, columns in ENDED_ALONE.items() for column in columns.split(", ")]
    looked_at = {"tables": [*APPEND_ONLY, *ENDED_ALONE], "ended": ended}
    for table, is_superuser, is_owner, may_change in await connection.execute(asked, looked_at):
        if is_superuser:
            return "is a superuser's"
        if is_owner:
            return f"owns the table {table}"
        if may_change:
            return f"may change the table {table}"
    return None
