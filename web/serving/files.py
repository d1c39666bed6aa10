"""The style sheet, with the practice's colour, and the script: all that a page needs beside itself."""

from hashlib import sha256
from importlib.resources import files

from fastapi import APIRouter, Request
from starlette.responses import Response

from web.settings import WebSettings

router = APIRouter()

_STATIC = files("web") / "static"
_KEPT = "public, max-age=3600"


@router.get("/style.css")
async def style(request: Request) -> Response:
    settings: WebSettings = request.app.state.settings
    sheet = (_STATIC / "style.css").read_text(encoding="utf-8")
    if settings.practice_colour is not None:
        sheet += f"\n:root {{ --main: {settings.practice_colour}; }}\n"
    return _file(request, sheet, "text/css")


@router.get("/site.js")
async def script(request: Request) -> Response:
    return _file(request, (_STATIC / "site.js").read_text(encoding="utf-8"), "text/javascript")


def _file(request: Request, text: str, media_type: str) -> Response:
    tag = f'"{sha256(text.encode()).hexdigest()[:16]}"'
    headers = {"Cache-Control": _KEPT, "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(text, media_type=media_type, headers=headers)
