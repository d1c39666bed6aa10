"""Which migrations this database has seen, and for whom it is still good."""

from sqlmodel import Field, SQLModel


class AppliedMigration(SQLModel, table=True):
    """One row a migration, written as it is run. ``checksum``: of its text, so that one which was changed afterwards is
    noticed. ``runs_from``: the oldest revision whose code can still run with it; code that is older does not know this
    migration, and finds here whether it may go on."""

    __tablename__ = "applied_migration"

    revision: str = Field(primary_key=True, max_length=40)
    runs_from: str = Field(max_length=40)
    checksum: str = Field(max_length=64)
