"""Bringing a database up to the present schema: ``python -m models.migrate``, or ``upgrade``.

The command connects as ``DATABASE_OWNER_URL`` says, and gives the role of ``DATABASE_URL`` what the programs need.
"""

import sys
from collections.abc import Mapping
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
from models.writes.forms.texts import write_first_texts
from rules.forms.wording import numbers_of
from rules.money.terms import Terms
from rules.policy import JourneyPolicy

FOLDER = Path(__file__).parent / "migrations"


class NoSuchRole(LookupError):
    """The application's role has not been made yet; the message says so."""


def configuration(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["url"] = url
    return config


def upgrade(url: str, *, application: str | None = None, policy: JourneyPolicy | None = None) -> bool:
    """Run every migration that this database has not seen yet, and write what every practice begins with: the standard
    texts, and the words of the matching form. ``url`` is ``postgresql://...``, and its role owns the tables;
    ``application`` is the role of the programs, where that is another. ``policy``: whose numbers the first fee policy
    has; a database that has one keeps it, whatever the settings are by now.

    Answers whether the fee policy was written. Raises NoSuchRole.
    """
    command.upgrade(configuration(url), "head")
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    try:
        with engine.begin() as connection:
            first = write_first_texts(connection, Terms.of(policy or JourneyPolicy()))
            write_first_words(connection)
            if application is not None and application != make_url(url).username:
                grant(connection, application)
        return first
    except ProgrammingError as error:
        if isinstance(error.orig, UndefinedObject):
            raise NoSuchRole(f"The role {application} of DATABASE_URL does not exist: make it first.") from None
        raise
    finally:
        engine.dispose()


def policy_in(environment: Mapping[str, str]) -> JourneyPolicy:
    """The policy that an environment sets, for who migrates beside the programs. Raises SettingsProblem."""
    from config.policy import read_policy  # noqa: PLC0415 - the programs' alone, and read nowhere else in models

    return read_policy(environment)


def check(url: str) -> None:
    """Raise if the migrations and the tables in code differ."""
    command.check(configuration(url))


if __name__ == "__main__":
    import argparse

    from config import SettingsProblem, leave, settings_or_exit

    argparse.ArgumentParser(prog="python -m models.migrate", description=__doc__).parse_args()
    settings = settings_or_exit()
    try:
        first = upgrade(
            settings.owners_database, application=make_url(settings.database).username, policy=settings.policy
        )
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
    if first:
        numbers = ", ".join(f"{name} {said}" for name, said in numbers_of(Terms.of(settings.policy)).items())
        sys.stdout.write(f"The first fee policy has the numbers of the settings: {numbers}.\n")
