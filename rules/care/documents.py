"""What may be kept as a document: by what the file holds, not by what it calls itself.

Only kinds that people read are kept. A kind is told by its content alone; the file's name is then made to fit it, so
that what is called a text opens as a text.
"""

import re
import unicodedata
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

from rules.plain_text import one_line
from rules.refusals import Problem, Refusal, invalid

MOST_BYTES = 10 * 1024 * 1024
LONGEST_NAME = 200

_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"
_TEXT, _CSV = "text/plain", "text/csv"

ENDINGS: Mapping[str, tuple[str, ...]] = {
    "application/pdf": (".pdf",),
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    "application/rtf": (".rtf",),
    f"{_OFFICE}.wordprocessingml.document": (".docx",),
    f"{_OFFICE}.spreadsheetml.sheet": (".xlsx",),
    f"{_OFFICE}.presentationml.presentation": (".pptx",),
    f"{_OPEN}.text": (".odt",),
    f"{_OPEN}.spreadsheet": (".ods",),
    f"{_OPEN}.presentation": (".odp",),
    _TEXT: (".txt", ".text", ".md", ".log"),
    _CSV: (".csv",),
}
"""Every kind that is kept, and how its files' names may end; the first ending is given to a name that lacks one."""

_KINDS = "PDF, PNG, JPEG, GIF, WebP, RTF, text, CSV, docx, xlsx, pptx, odt, ods and odp"
_FIRST_BYTES = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"{\\rtf", "application/rtf"),
)
_PROGRAMS = (
    b"MZ",  # Windows
    b"\x7fELF",  # Linux
    b"\xfe\xed\xfa\xce",  # macOS, four ways
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",  # macOS again, and Java
    b"dex\n",  # Android
    b"\0asm",
    b"#!",  # scripts
    b"L\0\0\0\x01\x14\x02\0",  # shortcuts, which run what they point to
)
_PARTS = {
    "word/document.xml": f"{_OFFICE}.wordprocessingml.document",
    "xl/workbook.xml": f"{_OFFICE}.spreadsheetml.sheet",
    "ppt/presentation.xml": f"{_OFFICE}.presentationml.presentation",
}
_MACROS = ("Basic/", "Scripts/")  # of OpenDocument
_ZIP = b"PK\x03\x04"
_NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
# What a browser would take for a page, whatever it is called.
_PAGE = re.compile(
    r"\s*<(!doctype|!--|\?xml|a|b|body|br|div|font|form|h1|head|html|iframe|img|link|math|meta|object|p|script|style|svg"
    r"|table|title)\b",
    re.IGNORECASE,
)
_NOT_IN_A_NAME = re.compile(r'[<>:"|?*\x00-\x1f\x7f]')
_NOT_IN_A_HEADER = re.compile(r'[<>:"|?*/\\%;\x00-\x1f\x7f]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class KeptDocument:
    """``filename``: cleaned, and ending as its kind does."""

    content_type: str
    filename: str


def judge(content: bytes, *, filename: str, looks_like: str | None = None) -> KeptDocument | Refusal:
    """What a file is kept as, or why it is not.

    ``looks_like``: what the file is taken for, as an ending, by somebody who knows more kinds than these. It only names
    what is refused.
    """
    if not content:
        return invalid("file", "is empty")
    if len(content) > MOST_BYTES:
        return invalid("file", f"has more than {MOST_BYTES} bytes (10 MB)")
    kind = _kind(content)
    if kind is None:
        return _no_document(content, filename, looks_like)
    name = clean_name(filename)
    if kind == _TEXT and name.lower().endswith(ENDINGS[_CSV]):
        kind = _CSV
    return KeptDocument(content_type=kind, filename=_fitting(name, kind))


def _no_document(content: bytes, filename: str, looks_like: str | None) -> Refusal:
    name = clean_name(filename)
    what = "holds no document"
    if _is_program(content):
        what = "is a program"
    elif looks_like:
        what = f"is no document, but looks like {looks_like}"
    problem = invalid("file", f"{what}; these can be kept: {_KINDS}")
    return Refusal(name=Problem.VALIDATION_FAILED, detail=f"The file {name} {what}.", data=problem.data)


def _is_program(content: bytes) -> bool:
    return content.startswith(_PROGRAMS) and not (content.startswith(b"MZ") and _is_text(content))


def _kind(content: bytes) -> str | None:
    for beginning, kind in _FIRST_BYTES:
        if content.startswith(beginning):
            return kind
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    if content.startswith(_ZIP):
        return _office_kind(content)
    if _is_program(content) or not _is_text(content):
        return None
    return None if _PAGE.match(content.decode("utf-8-sig")) else _TEXT


def _office_kind(content: bytes) -> str | None:
    """Which office document a ZIP is, told by the parts it must have; None for any other, and for one with macros."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            parts = set(archive.namelist())
            if any(part.lower().endswith("vbaproject.bin") or part.startswith(_MACROS) for part in parts):
                return None
            if "[Content_Types].xml" in parts:
                found = [kind for part, kind in _PARTS.items() if part in parts]
                return found[0] if len(found) == 1 else None
            first = archive.infolist()[0]
            if (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED) and "content.xml" in parts:
                with archive.open(first) as said:
                    kind = said.read(100).decode("ascii").strip()
                return kind if kind in ENDINGS else None
    except (zipfile.BadZipFile, ValueError, IndexError, RuntimeError, EOFError, OSError):
        # No ZIP, an empty one, names or a type that are no text (ValueError); a part that is encrypted, or packed in a
        # way that zipfile does not know (RuntimeError), cut off (EOFError), or said to lie where there is nothing
        # (ValueError, OSError).
        return None
    return None


def _is_text(content: bytes) -> bool:
    try:
        return not _NOT_TEXT.search(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return False


def clean_name(filename: str) -> str:
    """A file's name alone: one line, no folder, nothing that a file system or a header could read otherwise."""
    name = unicodedata.normalize("NFC", filename).replace("\\", "/").rpartition("/")[2]
    name = _NOT_IN_A_NAME.sub("_", one_line(name)).strip(" .")
    if _RESERVED.match(name):
        name = f"_{name}"
    stem, dot, ending = name.rpartition(".")
    if dot and len(ending) <= 10:
        return f"{stem[: LONGEST_NAME - len(ending) - 1]}.{ending}"
    return name[:LONGEST_NAME] or "document"


def _fitting(name: str, kind: str) -> str:
    endings = ENDINGS[kind]
    if name.lower().endswith(endings):
        return name
    return f"{name[: LONGEST_NAME - len(endings[0])]}{endings[0]}"


def content_disposition(filename: str) -> str:
    """The header by which a file is always saved and never shown: an ASCII name for old readers, and the real one."""
    # Taken apart, a letter may turn out to be more of what a name must not hold: a full-width slash is a slash.
    plain = unicodedata.normalize("NFKD", filename).encode("ascii", "ignore").decode()
    plain = _NOT_IN_A_HEADER.sub("_", plain).strip(" .") or "document"
    plain = f"_{plain}" if _RESERVED.match(plain) else plain
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{_percent(filename)}"


def _percent(text: str) -> str:
    """Percent-encoded as RFC 8187 wants it."""
    kept = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`|~"
    return "".join(chr(byte) if byte in kept else f"%{byte:02X}" for byte in text.encode("utf-8", "replace"))
