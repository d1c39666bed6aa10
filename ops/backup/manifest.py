"""What is in a backup: told by a file beside the dump, and held against it before it is put back."""

from datetime import datetime
from hashlib import file_digest
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel, ValidationError

from models.schema import Migration

NAME, DUMP = "manifest.json", "database.dump"


class NoBackup(ValueError):
    """This is no backup, or it was changed; the message is a sentence."""


class Manifest(BaseModel, extra="forbid", frozen=True):
    """``migrations``: those that were run, oldest first. ``rows``: how many each table had. ``payload_keys`` and
    ``chain_keys`` are names: of the keys that are needed to read and to verify it, none of which is in it."""

    format: int = 1
    made_at: datetime
    postgres: int
    migrations: tuple[Migration, ...]
    epoch: UUID
    payload_keys: tuple[str, ...]
    chain_keys: tuple[str, ...]
    rows: dict[str, int]
    bytes: int
    sha256: str


def read(folder: Path) -> Manifest:
    """The manifest, once the dump was found to be the one that it describes. Raises NoBackup."""
    try:
        manifest = Manifest.model_validate_json((folder / NAME).read_bytes())
    except (OSError, ValidationError):
        raise NoBackup(f"{folder} is no backup of this product: {NAME} is missing, or cannot be read.") from None
    dump = folder / DUMP
    if not dump.is_file():
        raise NoBackup(f"{folder} is only half a backup: {DUMP} is missing.")
    if dump.stat().st_size != manifest.bytes or digest(dump) != manifest.sha256:
        raise NoBackup(f"{dump} is not what was backed up: its checksum is another one. Take another backup.")
    return manifest


def digest(path: Path) -> str:
    """SHA-256, in hex."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
