"""What Alembic runs. The database's address comes from the caller, or from the settings."""

from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool
from sqlmodel import SQLModel

from models import tables

METADATA = SQLModel.metadata
assert tables.__all__, "importing models loads every table"


def _url() -> str:
    given = context.config.attributes.get("url")
    if given is not None:
        return str(given)
    from config import settings_or_exit

    return settings_or_exit().owners_database


def run() -> None:
    target = make_url(_url()).set(drivername="postgresql+psycopg")
    engine = create_engine(target, poolclass=NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=METADATA, compare_type=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
