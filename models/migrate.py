"""Bringing a database up to the present schema: ``python -m models.migrate``, or ``upgrade``.

The command connects as ``DATABASE_OWNER_URL`` says, and gives the role of ``DATABASE_URL`` what the programs need.
"""

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from psycopg.errors import UndefinedObject
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool

from models.privileges import grant
from models.writes.clients.form_words import write_first_words
from models.writes.forms.texts import write_built_in_texts

FOLDER = Path(__file__).parent / "migrations"


class NoSuchRole(LookupError):
    """The application's role has not been made yet; the message says so."""


def configuration(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["url"] = url
    return config


def upgrade(url: str, *, application: str | None = None) -> None:
    """Run every migration that this database has not seen yet, and write what every practice begins with: the intake
    forms, and the words of the matching form. ``url`` is ``postgresql://...``, and its role owns the tables;
    ``application`` is the role of the programs, where that is another.

    Raises NoSuchRole.
    """
    command.upgrade(configuration(url), "head")
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    try:
        with engine.begin() as connection:
            write_built_in_texts(connection)
            write_first_words(connection)
            if application is not None and application != make_url(url).username:
                grant(connection, application)
    except ProgrammingError as error:
        if isinstance(error.orig, UndefinedObject):
            raise NoSuchRole(f"The role {application} of DATABASE_URL does not exist: make it first.") from None
        raise
    finally:
        engine.dispose()


def check(url: str) -> None:
    """Raise if the migrations and the tables in code differ."""
    command.check(configuration(url))


if __name__ == "__main__":
    import argparse

    from config import SettingsProblem, leave, settings_or_exit

    argparse.ArgumentParser(prog="python -m models.migrate", description=__doc__).parse_args()
    settings = settings_or_exit()
    try:
        upgrade(settings.owners_database, application=make_url(settings.database).username)
    except SettingsProblem as problem:
        leave(problem)
    except NoSuchRole as problem:
        sys.stderr.write(f"{problem}\n")
        sys.exit(2)
    except OperationalError as error:
        said = str(error.orig).partition("\n")[0]
        sys.stderr.write(f"The database cannot be used: {said}\n")
        sys.exit(2)
    sys.stdout.write("The database is up to date.\n")
