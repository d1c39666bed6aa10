"""A PDF file, read back."""

import io

from pypdf import PdfReader

from papers.sheet import Paper


def pages_of(content: bytes) -> list[str]:
    """The text of each page."""
    return [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]


def lines_of(content: bytes) -> list[str]:
    """All lines, without the numbers of pages."""
    told = (line.strip() for page in pages_of(content) for line in page.splitlines())
    return [line for line in told if line and not line.startswith("Page ")]


def said_by(paper: Paper) -> list[str]:
    return lines_of(paper.content)


def size_of(content: bytes) -> tuple[int, int]:
    """Of the first page, in whole points."""
    box = PdfReader(io.BytesIO(content)).pages[0].mediabox
    return round(box.width), round(box.height)
