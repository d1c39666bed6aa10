"""A next release that is made up: the migrations of this code in a folder of their own, and one more."""

import shutil
from pathlib import Path
from textwrap import indent

from models.schema import FOLDER, own_migrations

FIRST, NEXT = own_migrations()[-1].revision, f"{int(own_migrations()[-1].revision) + 1:04}"


def migrations_with(folder: Path, statement: str, *, runs_from: str = FIRST, revision: str = NEXT) -> Path:
    """A copy of the migrations, with one that runs ``statement`` after them; where they are."""
    copied = folder / "migrations"
    if not copied.exists():
        shutil.copytree(FOLDER, copied, ignore=shutil.ignore_patterns("__pycache__"))
    add_migration(copied, statement, runs_from=runs_from, revision=revision)
    return copied


def add_migration(folder: Path, statement: str, *, runs_from: str = FIRST, revision: str = NEXT) -> None:
    before = max(path.name.partition("_")[0] for path in (folder / "versions").glob("*.py"))
    lines = [
        f'"""{statement}"""',
        "from alembic import op",
        f"revision, down_revision, runs_from = {revision!r}, {before!r}, {runs_from!r}",
        "branch_labels = depends_on = None",
        "def upgrade() -> None:",
        indent(f"op.execute({statement!r})", "    "),
        "def downgrade() -> None: ...",
    ]
    (folder / "versions" / f"{revision}_made_up.py").write_text("\n".join(lines) + "\n")
