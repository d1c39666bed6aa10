"""One file from a multipart form, bounded and judged before anything is kept of it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import puremagic
from fastapi import Request
from pydantic import TypeAdapter, ValidationError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile

from api.bodies import Line
from api.middleware import TOO_LARGE_A_FILE
from api.problems import Refused, wrong_fields
from rules.care.documents import MOST_BYTES, judge
from rules.refusals import Problem, Refusal

_MOST_OF_A_FIELD = 4096
_MOST_FIELDS = 10
_CHARSETS = (b"", b"utf-8", b"utf8", b"us-ascii")
_LINE: TypeAdapter[str] = TypeAdapter(Line)


def upload_form(required: Sequence[str] = (), **lines: str) -> dict[str, Any]:
    """How the form looks in the OpenAPI description; it is read below, after the caller was let in. ``lines``: what is
    said beside the file, with what it is."""
    said = {name: {"type": "string", "maxLength": 200, "description": what} for name, what in lines.items()}
    file = {"type": "string", "format": "binary", "description": "At most 10 MB."}
    schema = {"type": "object", "required": ["file", *required], "properties": {"file": file, **said}}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file that can be kept. ``sha256`` is its hash in hex; ``said``: the lines beside it that were filled in."""

    content: bytes
    content_type: str
    filename: str
    sha256: str
    said: Mapping[str, str]


@asynccontextmanager
async def read_upload(
    request: Request, places: asyncio.Semaphore, *, lines: Sequence[str], required: Sequence[str] = ()
) -> AsyncIterator[Upload]:
    """The form's file, with what is said beside it, to be kept in here. Raises Refused, naming the field; 413 for one
    too large.

    While it comes in, a file is on the disk. There are few ``places`` in memory, each for as long as it takes to look
    at a file and to write it to the database, and none for as long as it takes to send one.
    """
    _must_be_readable(request)
    async with request.form(max_files=1, max_fields=_MOST_FIELDS, max_part_size=_MOST_OF_A_FIELD) as form:
        unknown = sorted(set(form) - {"file", *lines})
        if unknown:
            raise wrong_fields([(name, "is not a field of this request") for name in unknown])
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise wrong_fields([("file", "is required" if file is None else "must be a file")])
        if file.size is not None and file.size > MOST_BYTES:
            raise _too_large()
        said = {name: _line(name, form.getlist(name)) for name in lines if form.getlist(name) not in ([], [""])}
        missing = [name for name in required if name not in said]
        if missing:
            raise wrong_fields([(name, "is required") for name in missing])
        async with places:
            yield await asyncio.to_thread(_judged, await file.read(), file.filename or "", said)


def _must_be_readable(request: Request) -> None:
    """Names and fields of a form are in UTF-8. In whatever charset a form may call for instead, some bytes say nothing,
    and others what no text may hold."""
    charset = parse_options_header(request.headers.get("content-type"))[1].get(b"charset", b"")
    if charset.strip().lower() not in _CHARSETS:
        raise wrong_fields([("Content-Type", "must say no charset but utf-8")])


def _line(name: str, said: Sequence[object]) -> str:
    if len(said) > 1 or isinstance(said[0], UploadFile):
        raise wrong_fields([(name, "must be one line of text")])
    try:
        return _LINE.validate_python(said[0])
    except ValidationError as error:
        message = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise wrong_fields([(name, message[:1].lower() + message[1:])]) from None


def _judged(content: bytes, filename: str, said: Mapping[str, str]) -> Upload:
    kept = judge(content, filename=filename, looks_like=_looks_like(content))
    if isinstance(kept, Refusal):
        raise Refused(kept)
    return Upload(
        content=content,
        content_type=kept.content_type,
        filename=kept.filename,
        sha256=sha256(content).hexdigest(),
        said=said,
    )


def _looks_like(content: bytes) -> str | None:
    """The likeliest ending by a collection of what files begin with, many more than can be kept."""
    with suppress(puremagic.PureError, ValueError):
        for match in puremagic.magic_string(content):
            if match.extension:
                return str(match.extension)
    return None


def _too_large() -> Refused:
    refusal = Refusal(
        name=Problem.VALIDATION_FAILED,
        detail=TOO_LARGE_A_FILE,
        data={"errors": [{"field": "file", "message": TOO_LARGE_A_FILE}]},
    )
    return Refused(refusal, status=413)
