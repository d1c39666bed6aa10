"""A signed form as a PDF file: the copy that was kept, and nothing else."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from papers.sheet import Paper, Sheet
from rules.forms.signed import Part, Piece, SignedCopy, hash_of
from rules.money.receipts import Letterhead


def signed_form_file(document: Mapping[str, Any]) -> Paper:
    """``document``: as it was kept."""
    copy = SignedCopy.read(document)
    with Sheet(copy.practice, as_of=copy.signed_at, test=False) as sheet:
        sheet.letterhead(copy.practice)
        for piece in copy.pieces:
            _draw(sheet, piece)
        sheet.ln(4)
        sheet.line_of(f"SHA-256 of this copy: {hash_of(document)}", size=8, grey=True)
        return sheet.paper()


def sentence_file(sentence: str, *, practice: Letterhead, as_of: datetime) -> Paper:
    """What stands for a copy that cannot be shown."""
    with Sheet(practice, as_of=as_of, test=False) as sheet:
        sheet.letterhead(practice)
        sheet.line_of(sentence)
        return sheet.paper()


def _draw(sheet: Sheet, piece: Piece) -> None:
    lines = [line for line in piece.text.splitlines() if line.strip()]
    match piece.part:
        case Part.TITLE:
            sheet.line_of(piece.text, size=16, heavy=True)
        case Part.TEXT:
            for line in lines:
                _draw_text(sheet, line)
            sheet.ln(2)
        case Part.ANSWER:
            sheet.line_of(piece.name, grey=True)
            for line in lines:
                sheet.line_of(line)
            sheet.ln(1.5)
        case Part.SIGNING:
            sheet.pairs([(piece.name, piece.text)])


def _draw_text(sheet: Sheet, line: str) -> None:
    """A line of the practice's words, with what its first sign means: a heading, or an item of a list."""
    if line.startswith("# "):
        sheet.ln(1.5)
        sheet.line_of(line.removeprefix("# "), size=11, heavy=True)
    elif line.startswith("- "):
        sheet.item(line.removeprefix("- "))
    else:
        sheet.line_of(line)
        sheet.ln(1)
