"""Bringing a database up to the present schema: ``python -m models.migrate`` with ``DATABASE_URL``, or ``upgrade``."""

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from models.writes.forms.templates import write_built_in_forms

FOLDER = Path(__file__).parent / "migrations"


def configuration(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Run every migration that this database has not seen yet, and write what every practice begins with: the intake
    forms. ``url`` is ``postgresql://...``."""
    command.upgrade(configuration(url), "head")
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.begin() as connection:
        write_built_in_forms(connection)
    engine.dispose()


def check(url: str) -> None:
    """Raise if the migrations and the tables in code differ."""
    command.check(configuration(url))


if __name__ == "__main__":
    from config import settings_or_exit

    upgrade(settings_or_exit().database)
    sys.stdout.write("The database is up to date.\n")
