"""Where anchors go, and whether there is room for them and for uploads."""

import os
import shutil
import tempfile
from pathlib import Path

from config import Settings
from ops.doctor.findings import Finding, Findings, ok, warning, wrong

LEAST_FOR_ANCHORS = 100 * 2**20  # bytes: two lines a day for more than a thousand years
LEAST_FOR_UPLOADS = 2**30  # a hundred of 10 MB each


async def look(settings: Settings) -> Findings:
    """It writes nothing: a test line would be an anchor that nobody has made."""
    if settings.anchor_file is not None:
        yield _file(settings.anchor_file)
    if settings.anchor_email is not None:
        yield ok("anchors", f"the anchor of each day is mailed to {settings.anchor_email}")
    if settings.anchor_file is None and settings.anchor_email is None:
        todo = "set ANCHOR_EMAIL or ANCHOR_FILE to somebody, or something, outside of whoever runs this"
        yield warning("anchors", "they go nowhere: a timeline that was cut is not found", todo)
    yield _room(Path(tempfile.gettempdir()))


def _file(path: Path) -> Finding:
    folder = path if path.exists() else path.parent
    if path.is_dir():
        return wrong("anchor file", f"{path} is a folder", "name a file in ANCHOR_FILE")
    if not folder.exists():
        return wrong("anchor file", f"the folder {folder} is not there", "make it, for the user of the workers")
    if not os.access(folder, os.W_OK):
        return wrong("anchor file", f"{folder} cannot be written", "let the user of the workers write there")
    free = shutil.disk_usage(folder).free
    if free < LEAST_FOR_ANCHORS:
        return wrong("anchor file", f"{free // 2**20} MB are free for {path}", "make room on that disk")
    return ok("anchor file", f"{path} can be written, and {free // 2**20} MB are free")


def _room(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    if free < LEAST_FOR_UPLOADS:
        todo = "make room, or name a folder with more in TMPDIR: uploads wait there, 10 MB each"
        return warning("temporary folder", f"{free // 2**20} MB are free in {folder}", todo)
    return ok("temporary folder", f"{free // 2**20} MB are free in {folder}")
