"""Record what a release is made of, before it is tagged: ``python -m models.release 1.0.0``.

Its migrations are never changed from then on, and the next release may take nothing that this one uses.
"""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from models.schema import FOLDER, Migration, own_migrations
from models.two_releases import COMING, LEAVING

FILE = FOLDER / "released.json"
CHANGELOG = Path(__file__).parent.parent / "CHANGELOG.md"


@dataclass(frozen=True, kw_only=True)
class Release:
    """The last one. ``checksums``: of all migrations that it has, by revision; ``leaving`` and ``coming``: as they were
    in ``models.two_releases``. ``release`` is None as long as there was none."""

    release: str | None
    checksums: dict[str, str]
    leaving: list[str]
    coming: list[str]

    @classmethod
    def read(cls, file: Path = FILE) -> Self:
        return cls(**json.loads(file.read_text(encoding="utf-8")))

    @property
    def head(self) -> str | None:
        return max(self.checksums, default=None)

    def changed(self, own: Sequence[Migration]) -> list[str]:
        """Revisions of released migrations whose text is another by now, or which are gone."""
        present = {each.revision: each.checksum for each in own}
        return [revision for revision, checksum in self.checksums.items() if present.get(revision) != checksum]


def record(release: str, *, file: Path = FILE, changelog: Path = CHANGELOG) -> Release:
    """Raises ValueError with a sentence for what cannot be released; nothing is changed then."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", release):
        raise ValueError(f"A release is called by three numbers, such as 1.0.0, and not {release}.")
    if not re.search(rf"^## \[{re.escape(release)}\]", changelog.read_text(encoding="utf-8"), re.MULTILINE):
        raise ValueError(f"CHANGELOG.md has no section [{release}]: say there what is new.")
    own = own_migrations()
    if changed := Release.read(file).changed(own):
        raise ValueError(f"Migration {changed[0]} was changed after its release: put it back, and add another one.")
    made = Release(
        release=release,
        checksums={each.revision: each.checksum for each in own},
        leaving=sorted(LEAVING),
        coming=sorted(COMING),
    )
    file.write_text(json.dumps(asdict(made), indent=2) + "\n", encoding="utf-8")
    return made


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m models.release", description=__doc__)
    parser.add_argument("release", help="three numbers, such as 1.0.0")
    try:
        made = record(parser.parse_args().release)
    except ValueError as problem:
        sys.stderr.write(f"{problem}\n")
        sys.exit(2)
    sys.stdout.write(f"Release {made.release}, up to migration {made.head}. Commit this, and tag it v{made.release}.\n")
