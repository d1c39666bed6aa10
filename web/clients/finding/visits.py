"""Who has begun a journey and has no account yet: the pass that the API gave, kept in a cookie no script reads."""

from typing import Any, TypeVar

from starlette.responses import Response

from web.edge import cookies as names
from web.page import Page

Answer = TypeVar("Answer", bound=Response)


def begin_visit(page: Page, response: Answer, begun: dict[str, Any]) -> Answer:
    """``begun``: as ``POST /v1/journeys`` answered."""
    if begun.get("pass"):
        page.cookies.put(response, names.VISIT, f"{begun['client_id']}.{begun['pass']}")
    return response
