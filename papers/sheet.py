"""A sheet of the practice's paper (PDF): its format and font, and text that can be drawn with it.

The PDF's own fonts know no euro sign, so one is embedded, with the signs that are used of it. It has Latin, Greek and
Cyrillic. What it has not is shown by a mark (``MISSING``), and the paper says so; the record has every name as it was
written.
"""

import logging
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Self

import fontpkg_noto_sans
from fpdf import FPDF, TextMode
from fpdf.enums import Align, XPos, YPos
from fpdf.fonts import TTFFont

from rules.logo import Logo
from rules.money.receipts import Letterhead
from rules.plain_text import one_line

_FONT = Path(fontpkg_noto_sans.ROOT) / "files" / "NotoSans[wdth,wght].ttf"
_FAMILY = "sans"
MISSING = "\N{REPLACEMENT CHARACTER}"
SIGNS_ARE_MISSING = f"{MISSING} stands for letters that cannot be printed here. They are kept as they were written."
TEST = "Test: no money moved."
# Where paper has the format "Letter"; everywhere else it is A4.
_LETTER = frozenset(("US", "CA", "MX", "CL", "CO", "CR", "DO", "GT", "NI", "PA", "PH", "PR", "SV", "VE"))
_MARGIN = 18.0  # all lengths in millimetres
_LINE, _ROW = 5.6, 4.2
_INDENT = 4.0
_POINT = 25.4 / 96  # as wide as mails show it
_GREY, _BLACK = 110, 0

# What these say while they make a subset of a font would name the letters of people's names.
for _noisy in ("fontTools", "fpdf"):
    logging.getLogger(_noisy).setLevel(logging.ERROR)


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A file, and how many signs of it could not be drawn."""

    content: bytes
    missing: int


@dataclass(frozen=True, kw_only=True)
class Column:
    """Of a table. ``amount``: at its right edge."""

    name: str
    width: float
    amount: bool = False


class Sheet(FPDF):
    """What is drawn goes on below what was drawn before, over as many pages as it takes. A context manager: it closes
    the font's file."""

    def __init__(self, practice: Letterhead, *, as_of: datetime, test: bool, wide: bool = False) -> None:
        paper = "Letter" if practice.country in _LETTER else "A4"
        super().__init__(orientation="landscape" if wide else "portrait", format=paper)
        self._test = test
        self._columns: tuple[Column, ...] = ()
        self._missing = 0
        self.set_creation_date(as_of)
        self.set_lang("en")
        self.set_margin(_MARGIN)
        self.set_auto_page_break(auto=True, margin=_MARGIN + _LINE)
        self.add_font(_FAMILY, fname=_FONT)
        self.set_font(_FAMILY, size=10)
        self.set_title(practice.name)
        self.add_page()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        _close_fonts(self)

    def header(self) -> None:
        if self._test:
            self.line_of(TEST, heavy=True)
            self.ln(_LINE)
        self._draw_head()

    def footer(self) -> None:
        self.set_y(-_MARGIN)
        self._ink(8, grey=True)
        self.cell(0, _LINE, f"Page {self.page_no()} of {{nb}}", align=Align.R)

    def letterhead(self, practice: Letterhead, logo: Logo | None = None) -> None:
        """Who it is from."""
        if logo is not None:
            self.image(
                BytesIO(logo.content),
                w=logo.shown_width * _POINT,
                h=logo.shown_height * _POINT,
                alt_text=practice.name,
            )
            self.ln(_LINE / 2)
        name, *more = practice.lines
        self.line_of(name, size=12, heavy=True)
        for line in more:
            self.line_of(line, grey=True)
        self.ln(_LINE)

    def line_of(self, text: str, *, size: float = 10, heavy: bool = False, grey: bool = False) -> None:
        """One paragraph over the whole width."""
        self._ink(size, grey=grey)
        with self.local_context(text_mode=TextMode.FILL_STROKE if heavy else TextMode.FILL, line_width=0.15):
            height = _LINE * max(size / 10, 1)
            self.multi_cell(0, height, self.drawable(text), align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def item(self, text: str) -> None:
        """One item of a list, its lines below each other."""
        self._ink(10)
        self.cell(_INDENT, _LINE, "\N{BULLET}")
        self.multi_cell(0, _LINE, self.drawable(text), align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def pairs(self, rows: Sequence[tuple[str, str]]) -> None:
        """What each thing is, and beside it what it says."""
        for label, value in rows:
            self._ink(10, grey=True)
            self.cell(self.epw * 0.3, _LINE, label)
            self._ink(10)
            self.multi_cell(0, _LINE, self.drawable(value), align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def amounts(self, rows: Sequence[tuple[str, str]]) -> None:
        """What each amount is, and the amount at the right edge; the last one is the sum."""
        self.rule()
        for number, (label, amount) in enumerate(rows, start=1):
            if number == len(rows) > 1:
                self.rule()
            self._ink(11 if number == len(rows) else 10)
            self.cell(self.epw * 0.7, _LINE * 1.15, self.drawable(label))
            self.cell(0, _LINE * 1.15, amount, align=Align.R, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def head_of(self, columns: Sequence[Column]) -> None:
        """The head of a table, drawn here and at the top of each page that follows, until there is no column."""
        self._columns = tuple(columns)
        self._draw_head()

    def row_of(self, cells: Sequence[str], below: str) -> None:
        """A row of the table, each cell on one line, smaller where it would not fit, and below it a line over the whole
        width."""
        self._ink(8)
        wraps = self.get_string_width(drawn := self.drawable(below)) > self.epw
        if self.will_page_break(_ROW * (3 if wraps else 2) + 2):
            self.add_page()
        for column, cell in zip(self._columns, cells, strict=True):
            shown = self.drawable(cell)
            self._ink(8)
            self._ink(8 * min(1.0, (column.width - 2) / max(self.get_string_width(shown), 1)))
            self.cell(column.width, _ROW, shown, align=Align.R if column.amount else Align.L)
        self.ln(_ROW)
        self._ink(8, grey=True)
        (self.multi_cell if wraps else self.cell)(0, _ROW, drawn, align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.rule()

    def _draw_head(self) -> None:
        self._ink(8, grey=True)
        for column in self._columns:
            self.cell(column.width, _ROW, column.name, align=Align.R if column.amount else Align.L)
        if self._columns:
            self.ln(_ROW)
            self.rule()

    def rule(self) -> None:
        """A thin line over the whole width."""
        self.set_draw_color(190)
        self.line(self.l_margin, self.get_y() + 1, self.w - self.r_margin, self.get_y() + 1)
        self.set_draw_color(_BLACK)
        self.ln(2)

    def drawable(self, text: str) -> str:
        """The text without what turns or breaks lines, and with a mark for each sign that the font has not."""
        known = _signs_of_the_font()
        composed = unicodedata.normalize("NFC", one_line(text))
        drawn = "".join(sign if ord(sign) in known else MISSING for sign in composed)
        self._missing += drawn.count(MISSING)
        return drawn

    def paper(self) -> Paper:
        """The file, done."""
        if self._missing:
            self.ln(_LINE)
            self.line_of(SIGNS_ARE_MISSING, size=8, grey=True)
        missing = self._missing - (1 if self._missing else 0)  # the mark that the sentence itself shows
        return Paper(content=bytes(self.output()), missing=missing)

    def _ink(self, size: float, *, grey: bool = False) -> None:
        self.set_font(_FAMILY, size=size)
        self.set_text_color(_GREY if grey else _BLACK)


@cache
def _signs_of_the_font() -> frozenset[int]:
    probe = FPDF()
    probe.add_font(_FAMILY, fname=_FONT)
    signs = frozenset(getattr(probe.fonts[_FAMILY], "cmap", ()))
    _close_fonts(probe)
    return signs


def _close_fonts(pdf: FPDF) -> None:
    for font in pdf.fonts.values():
        if isinstance(font, TTFFont):
            font.close()
