"""Papers, as they are answered: PDF files that a browser saves."""

from typing import Any

import structlog
from fastapi import Response

from papers.sheet import Paper
from rules.accounts.caller import Caller

log = structlog.get_logger("papers")

_PDF = "application/pdf"
PAPER: dict[int | str, dict[str, Any]] = {
    200: {"description": "A PDF file.", "content": {_PDF: {"schema": {"type": "string", "format": "binary"}}}}
}
"""For the ``responses`` of a route."""


def paper_file(name: str, paper: Paper, caller: Caller) -> Response:
    """The answer that a browser saves under this name. Of letters that could not be printed the number is logged."""
    if paper.missing:
        log.warning("Letters of a paper are not in its font", missing=paper.missing, role=caller.role.value)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(paper.content, media_type=_PDF, headers=headers)
