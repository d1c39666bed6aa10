"""A file taken apart into its components and their lines, without a look at what the lines say."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from calendars.outside.refusing import NotACalendar

_NAME = re.compile(r"([A-Za-z0-9-]+)(?=[;:])")
_FOLD = re.compile(rb"\n[ \t]")
_DEEPEST = 5  # components within components
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))

EVENT, FREE_BUSY, ZONE, CALENDAR = "VEVENT", "VFREEBUSY", "VTIMEZONE", "VCALENDAR"
_OF_EVENTS = frozenset(
    (
        *("UID", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "SEQUENCE"),
        *("STATUS", "TRANSP", "X-MICROSOFT-CDO-BUSYSTATUS", "ATTENDEE"),
    )
)
_KEPT: dict[str, frozenset[str] | None] = {  # None: every line
    CALENDAR: frozenset(("X-WR-TIMEZONE", "CALSCALE")),
    EVENT: _OF_EVENTS,
    FREE_BUSY: frozenset(("UID", "FREEBUSY")),
    ZONE: None,
    "STANDARD": None,
    "DAYLIGHT": None,
}


@dataclass(frozen=True)
class FilePart:
    """A component: its ``lines`` by which times are told, unfolded, as they stand; and the components in it."""

    name: str
    lines: list[str] = field(default_factory=list)
    parts: list["FilePart"] = field(default_factory=list)

    def named(self, name: str) -> list["FilePart"]:
        return [part for part in self.parts if part.name == name]


def calendars_in(file: bytes) -> list[FilePart]:
    """The calendars of a file: one, as a rule. Raises NotACalendar unless every line has its place in one, to the end.

    Line ends may be any, a byte order mark may come first, and a character may be cut in two by the folding of lines.
    """
    found: list[FilePart] = []
    open_parts: list[FilePart] = []
    for line in _lines(file):
        name, _, value = line.partition(":")
        keyword = name.strip().upper()
        if keyword == "BEGIN":
            part = FilePart(value.strip().upper())
            if not open_parts and part.name != CALENDAR:
                raise NotACalendar("It does not begin as a calendar does.")
            if len(open_parts) >= _DEEPEST:
                raise NotACalendar("Its components are nested too deep.")
            (open_parts[-1].parts if open_parts else found).append(part)
            open_parts.append(part)
        elif not open_parts:
            raise NotACalendar("It does not begin as a calendar does." if not found else "It goes on after its end.")
        elif keyword == "END":
            if value.strip().upper() != open_parts[-1].name:
                raise NotACalendar("A component of it has no end.")
            open_parts.pop()
        else:
            _keep(open_parts, line)
    if open_parts or not found:
        raise NotACalendar("It is cut off: its end is missing." if open_parts else "It is empty.")
    return found


def fingerprint(calendars: Iterable[FilePart], *more: str) -> str:
    """The same for two files that tell the same times. Others write the time of the asking into theirs."""
    digest = hashlib.sha256()
    for piece in (*more, *_pieces(calendars)):
        digest.update(piece.encode(errors="surrogatepass") + b"\n")
    return digest.hexdigest()


def _pieces(parts: Iterable[FilePart]) -> Iterator[str]:
    for part in parts:
        yield f"BEGIN:{part.name}"
        yield from part.lines
        yield from _pieces(part.parts)
        yield "END"


def _lines(file: bytes) -> Iterator[str]:
    encoding = "utf-8"
    for mark, known in _MARKS:
        if file.startswith(mark):
            file, encoding = file[len(mark) :], known
            break
    if encoding != "utf-8":
        file = file.decode(encoding, errors="replace").encode()
    # Unfolded as bytes: what counts the length of lines in bytes may cut a character in two.
    whole = _FOLD.sub(b"", file.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
    return (line for line in whole.decode(errors="replace").split("\n") if line.strip())


def _keep(open_parts: list[FilePart], line: str) -> None:
    found = _NAME.match(line)
    if found is None:
        raise NotACalendar("A line of it is no property.")
    part = open_parts[-1]
    if part.name not in _KEPT:
        return
    kept = _KEPT[part.name]
    if kept is None or found[1].upper() in kept:
        part.lines.append(line)
