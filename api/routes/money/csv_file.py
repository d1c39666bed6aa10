"""Tables as CSV files (RFC 4180, UTF-8, with a header line) that no spreadsheet program takes for formulas."""

import csv
import io
import re
from collections.abc import AsyncIterator, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import Header
from fastapi.responses import StreamingResponse

from rules.money.currencies import in_units

Cell = str | int | Decimal | datetime | date | UUID | bool | None
Accept = Annotated[str | None, Header(description="`text/csv` for a file.")]

MEDIA_TYPE = "text/csv"
MOST_DAYS = 366  # of one file
DESCRIBED: dict[int | str, dict[str, Any]] = {
    200: {"description": "JSON, or a CSV file", "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}
}
# What a spreadsheet program begins a formula with, in its wide forms too; and what it skips before one.
_FORMULA = re.compile(r"[\s\x00]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")


def lines(rows: Iterable[Iterable[Cell]]) -> str:
    """Rows as lines that end in CR LF.

    Text that could be taken for a formula gets an apostrophe before it; numbers, which may be negative, do not.
    """
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows([_text(cell) for cell in row] for row in rows)
    return written.getvalue()


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime):
        return cell.isoformat().replace("+00:00", "Z")
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    if isinstance(cell, int | date | UUID):
        return str(cell)
    return f"'{cell}" if _FORMULA.match(cell) else str(cell)


def amount(minor_units: int, currency: str) -> tuple[int, Decimal]:
    """An amount as it stands in a file: in minor units, as everywhere, and as a decimal of the currency."""
    return minor_units, in_units(minor_units, currency)


def file(filename: str, content: AsyncIterator[str]) -> StreamingResponse:
    """The answer that a browser saves under this name, sent piece by piece."""
    return StreamingResponse(
        content,
        media_type=f"{MEDIA_TYPE}; charset=utf-8; header=present",
        headers={"Content-Disposition": f'attachment; filename="{filename}"', "Vary": "Accept"},
    )


def is_wanted(accept: str | None) -> bool:
    """Whether an ``Accept`` header prefers CSV to JSON; what is as welcome as JSON is answered as JSON."""
    return _quality(accept, MEDIA_TYPE) > _quality(accept, "application/json")


def _quality(accept: str | None, media_type: str) -> float:
    """How welcome a media type is, 0 to 1: the range that names it most exactly decides."""
    kind = media_type.partition("/")[0]
    exactness = {media_type: 3, f"{kind}/*": 2, "*/*": 1}
    best, quality = 0, 0.0
    for part in (accept or "*/*").lower().split(","):
        wanted, *parameters = (piece.strip() for piece in part.split(";"))
        exact = exactness.get(wanted, 0)
        if exact > best:
            best, quality = exact, _weight(parameters)
    return quality


def _weight(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return float(value) if re.fullmatch(r"[01](\.\d{0,3})?", value.strip()) else 0.0
    return 1.0
