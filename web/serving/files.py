"""The style sheet, with the practice's colour, the icon and the scripts: all that a page needs beside itself."""

import re
from hashlib import sha256
from importlib.resources import files

from fastapi import APIRouter, Request
from starlette.responses import Response

from web.looks.colour import readable_on
from web.settings import WebSettings

router = APIRouter()

_STATIC = files("web") / "static"
_KEPT = "public, max-age=3600"
_BACKGROUNDS = re.compile(r"--(?:paper|card): (#[0-9a-f]{6})")
_DARK = "@media (prefers-color-scheme: dark)"


@router.get("/style.css")
async def style(request: Request) -> Response:
    settings: WebSettings = request.app.state.settings
    sheet = (_STATIC / "style.css").read_text(encoding="utf-8")
    if settings.practice_colour is not None:
        sheet += of_the_practice(sheet, settings.practice_colour)
    return _file(request, sheet, "text/css")


@router.get("/icon.svg")
async def icon(request: Request) -> Response:
    return _file(request, (_STATIC / "icon.svg").read_text(encoding="utf-8"), "image/svg+xml")


@router.get("/site.js")
async def script(request: Request) -> Response:
    return _file(request, (_STATIC / "site.js").read_text(encoding="utf-8"), "text/javascript")


@router.get("/passkeys.js")
async def passkeys(request: Request) -> Response:
    return _file(request, (_STATIC / "passkeys.js").read_text(encoding="utf-8"), "text/javascript")


def of_the_practice(sheet: str, colour: str) -> str:
    """What the sheet is to end with, so that the main colour is the practice's, by day and in the dark."""
    light, _, dark = sheet.partition(_DARK)
    day, night = (_readable(colour, _BACKGROUNDS.findall(part)) for part in (light, dark))
    return f"\n:root {{ --main: {day}; }}\n{_DARK} {{ :root {{ --main: {night}; }} }}\n"


def _readable(colour: str, backgrounds: list[str]) -> str:
    for background in backgrounds:
        colour = readable_on(background, colour)
    return colour


def _file(request: Request, text: str, media_type: str) -> Response:
    tag = f'"{sha256(text.encode()).hexdigest()[:16]}"'
    headers = {"Cache-Control": _KEPT, "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(text, media_type=media_type, headers=headers)
