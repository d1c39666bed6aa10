"""Bringing a database up to the present schema: ``python -m models.migrate``, or ``upgrade``.

The command connects as ``DATABASE_OWNER_URL`` says, and gives the role of ``DATABASE_URL`` what the programs need.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg.errors import UndefinedObject
from sqlalchemy import Engine, create_engine, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool

from models.place import BEGUN_HERE, UNMARKED
from models.privileges import grant
from models.schema import APPLIED, FOLDER, Fit, Migration, Schema, judged, migrations_in
from models.writes.clients.form_words import write_first_words
from models.writes.forms.texts import write_first_texts
from rules.forms.wording import numbers_of
from rules.money.terms import Terms
from rules.policy import JourneyPolicy


class NoSuchRole(LookupError):
    """The application's role has not been made yet; the message says so."""


class WrongSchema(ValueError):
    """This code cannot migrate this database; the message is a sentence that says why."""


class UnmarkedCopy(ValueError):
    """The programs may not have this database: it was put back from a copy, and no epoch began since; the message is a
    sentence."""


def configuration(url: str, *, folder: Path = FOLDER) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.attributes["url"] = url
    return config


def upgrade(
    url: str, *, application: str | None = None, policy: JourneyPolicy | None = None, folder: Path = FOLDER
) -> bool:
    """Run every migration that this database has not seen yet, and write what every practice begins with: the standard
    texts, and the words of the matching form. ``url`` is ``postgresql://...``, and its role owns the tables;
    ``application`` is the role of the programs, where that is another. ``policy``: whose numbers the first fee policy
    has; a database that has one keeps it, whatever the settings are by now. ``folder``: where the migrations are.

    A database that a newer release has migrated is left as it is, if this code can run with it. A copy that was put
    back is migrated, as marking it needs the present schema, and is given to nobody before it is marked.

    Answers whether the fee policy was written. Raises NoSuchRole, UnmarkedCopy where an ``application`` is named, and
    WrongSchema before anything is changed.
    """
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    config = configuration(url, folder=folder)
    try:
        schema = _schema(engine, config)
        if schema.fit in (Fit.OTHER, Fit.TOO_NEW):
            raise WrongSchema(schema.says)
        if schema.fit is Fit.NEWER:
            return False
        command.upgrade(config, "head")
        with engine.begin() as connection:
            first = write_first_texts(connection, Terms.of(policy or JourneyPolicy()))
            write_first_words(connection)
            if application is not None:
                if not connection.execute(BEGUN_HERE).scalar_one():
                    raise UnmarkedCopy(UNMARKED)
                if application != make_url(url).username:
                    grant(connection, application)
        return first
    except ProgrammingError as error:
        if isinstance(error.orig, UndefinedObject):
            raise NoSuchRole(f"The role {application} of DATABASE_URL does not exist: make it first.") from None
        raise
    finally:
        engine.dispose()


def _schema(engine: Engine, config: Config) -> Schema:
    with engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        if "alembic_version" in tables and "applied_migration" not in tables and len(tables) > 1:
            return Schema(Fit.OTHER, "This database was made before the first release: make a new one.")
        rows = connection.execute(APPLIED).all() if "applied_migration" in tables else []
    return judged([Migration(*row) for row in rows], migrations_in(ScriptDirectory.from_config(config)))


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
    except (NoSuchRole, WrongSchema, UnmarkedCopy) as problem:
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
