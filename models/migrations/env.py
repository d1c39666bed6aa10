"""What Alembic runs. The database's address comes from the caller, or from the settings."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.script import Script
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool
from sqlmodel import SQLModel

from models import tables
from models.schema import checksum
from models.two_releases import LEAVING

METADATA = SQLModel.metadata
assert tables.__all__, "importing models loads every table"


def _url() -> str:
    given = context.config.attributes.get("url")
    if given is not None:
        return str(given)
    from config import settings_or_exit

    return settings_or_exit().owners_database


def _note(  # Alembic gives all four by name
    ctx: MigrationContext,
    step: MigrationInfo,
    heads: Collection[Any],  # noqa: ARG001
    run_args: Mapping[str, Any],  # noqa: ARG001
) -> None:
    """What has been run, in its own transaction, so that other code knows whether it can use this database."""
    script = step.up_revision
    assert ctx.connection is not None, "migrations are run on a connection"
    assert isinstance(script, Script), "one by one, each from its file"
    if step.is_upgrade:
        row = {
            "revision": script.revision,
            "runs_from": script.module.runs_from,
            "checksum": checksum(Path(script.path)),
        }
        ctx.connection.execute(text("INSERT INTO applied_migration VALUES (:revision, :runs_from, :checksum)"), row)
    elif script.down_revision is not None:  # the first one's takes the table away
        gone = {"revision": script.revision}
        ctx.connection.execute(text("DELETE FROM applied_migration WHERE revision = :revision"), gone)


def _is_compared(thing: Any, name: str | None, kind: str, in_database: bool, _: object) -> bool:
    """What is leaving is in the database alone, with whatever stands on it."""
    if kind == "table":
        return not (in_database and name in LEAVING)
    columns = [thing] if kind == "column" else thing.columns
    return not (in_database and LEAVING & {f"{thing.table.name}.{column.name}" for column in columns})


def run() -> None:
    target = make_url(_url()).set(drivername="postgresql+psycopg")
    engine = create_engine(target, poolclass=NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=METADATA,
            compare_type=True,
            include_object=_is_compared,
            on_version_apply=_note,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
