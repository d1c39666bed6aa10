"""The code of two releases, each in a folder of its own."""

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

from local.processes import ROOT
from tests.models.releases.made_up import add_migration

PATCH = "made-up"
_NOT_RUN = ("bench", "chaos", "clients", "docs", "tests")
_PART = "workflows/parts/journey.py"
_TURN = """        async with self.turn:
            await self.ready()
"""
_OTHER_COMMANDS = f"""            if workflow.patched("{PATCH}"):
                await workflow.sleep(0.01)
"""


def the_two(folder: Path) -> tuple[Path, Path]:
    """The release before, and the one that is rolled out. ``BEFORE`` names a revision, over which this code is rolled
    out; without it, a made-up next release is, over this code."""
    before = os.environ.get("BEFORE")
    return (_of(before, folder / "before"), ROOT) if before else (ROOT, _made_up_next(folder / "next"))


def _of(revision: str, folder: Path) -> Path:
    packed = subprocess.run(["git", "archive", revision], cwd=ROOT, capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def _made_up_next(folder: Path) -> Path:
    """A column more, and with each request one command more, behind a patch."""
    folder.mkdir(parents=True)
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
        elif not path.name.startswith(".") and path.name not in _NOT_RUN:
            shutil.copytree(path, folder / path.name, ignore=shutil.ignore_patterns("__pycache__"))
    add_migration(folder / "models/migrations", "ALTER TABLE client ADD COLUMN made_up text")
    part = folder / _PART
    said = part.read_text()
    assert said.count(_TURN) == 1, f"where a request has its turn, in {_PART}"
    part.write_text(said.replace(_TURN, _TURN + _OTHER_COMMANDS))
    return folder
