"""The API's description and the page that shows it: every file from here, none from elsewhere."""

import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import as_file, files
from typing import Any

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse

from api.problems import not_found

router = APIRouter(include_in_schema=False)

_SHOWN_BY = files("fastapi_offline") / "static"  # Swagger UI, as a package brings it
_FILES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
_KEPT_FOR_A_DAY = {"Cache-Control": "public, max-age=86400"}
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


@router.get("/openapi.json")
async def description(request: Request) -> JSONResponse:
    return JSONResponse(request.app.openapi())


@router.get("/docs")
async def page(request: Request) -> HTMLResponse:
    html = get_swagger_ui_html(
        title=request.app.title,
        openapi_url="openapi.json",
        swagger_js_url="docs/swagger-ui-bundle.js",
        swagger_css_url="docs/swagger-ui.css",
        swagger_favicon_url="docs/favicon.png",
        swagger_ui_parameters={"validatorUrl": None},  # which would be told this API's address
    )
    html.headers["Content-Security-Policy"] = _policy(bytes(html.body).decode())
    return html


@router.get("/docs/{file}")
async def asset(file: str) -> FileResponse:
    if file not in _FILES:
        raise not_found("page")
    with as_file(_SHOWN_BY / file) as path:
        return FileResponse(path, media_type=_FILES[file], headers=_KEPT_FOR_A_DAY)


def _policy(html: str) -> str:
    """Its own files, and the one script that stands in the page; styles are set by Swagger UI as it goes."""
    scripts = [f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in _SCRIPT.findall(html)]
    parts: dict[str, Any] = {
        "default-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "connect-src": "'self'",
        "img-src": "'self' data:",
        "script-src": " ".join(["'self'", *scripts]),
        "style-src": "'self' 'unsafe-inline'",
    }
    return "; ".join(f"{name} {value}" for name, value in parts.items())
