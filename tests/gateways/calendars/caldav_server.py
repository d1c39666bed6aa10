"""A small CalDAV server (RFC 4791), in the dialects that Nextcloud, iCloud and Fastmail speak: what the client asks of
it and nothing more. Its password is ``secret``."""

import base64
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

SIGNED_IN = f"Basic {base64.b64encode(b'ana:secret').decode()}"
_NAMES = 'xmlns:{d}="DAV:" xmlns:{c}="urn:ietf:params:xml:ns:caldav" xmlns:{s}="http://calendarserver.org/ns/"'


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How a server writes: its prefixes, and where it has what."""

    d: str = "d"
    c: str = "cal"
    s: str = "cs"
    root: str = "/remote.php/dav"
    principal: str = "/remote.php/dav/principals/users/ana/"
    home: str = "/remote.php/dav/calendars/ana/"


NEXTCLOUD = Dialect()
ICLOUD = Dialect(d="D", c="C", s="CS", root="/", principal="/1234567/principal/", home="/1234567/calendars/")
FASTMAIL = Dialect(
    d="D",
    c="C",
    s="CS",
    root="/dav/calendars",
    principal="/dav/principals/user/ana@x/",
    home="/dav/calendars/user/ana@x/",
)


@dataclass
class Kept:
    """A calendar: its files, what it holds, and whether it counts for whether somebody is free."""

    files: list[str] = field(default_factory=list)
    holds: str = "VEVENT"
    counts: bool = True
    tag: str = "1"


class CaldavServer:
    """``asked`` has the method and path of each request."""

    def __init__(self, dialect: Dialect = NEXTCLOUD) -> None:
        self.dialect = dialect
        self.calendars: dict[str, Kept] = {"personal": Kept()}
        self.asked: list[tuple[str, str]] = []
        self.answers: Response | None = None  # to everything, instead
        self.app = FastAPI()
        self.app.mount("/", self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self.asked.append((request.method, request.url.path))
        await (await self._answer(request))(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if self.answers is not None:
            return self.answers
        if request.headers.get("authorization") != SIGNED_IN:
            return Response("Please sign in", 401, {"WWW-Authenticate": 'Basic realm="calendars"'})
        path, body = request.url.path, (await request.body()).decode()
        names = {path.rstrip("/"): None, **{f"{self.dialect.home}{name}": name for name in self.calendars}}
        kept = self.calendars.get(names.get(path.rstrip("/")) or "")
        if request.method == "REPORT" and kept is not None:
            assert "VEVENT" in body
            assert "time-range" in body
            return self._multistatus(
                *(
                    self._response(f"{path}{n}.ics", self._c("calendar-data", escape(file)))
                    for n, file in enumerate(kept.files)
                )
            )
        if request.method != "PROPFIND":
            return Response("", 405)
        if kept is not None:
            return self._multistatus(self._calendar(path, kept))
        if path == self.dialect.home and request.headers.get("depth") == "1":
            own = [self._calendar(f"{self.dialect.home}{name}/", each) for name, each in self.calendars.items()]
            return self._multistatus(self._response(path, self._d("resourcetype", self._d("collection"))), *own)
        return self._multistatus(
            self._response(
                path,
                self._d("current-user-principal", self._d("href", self.dialect.principal)),
                self._c("calendar-home-set", self._d("href", self.dialect.home)),
                self._d("resourcetype", self._d("collection")),
            )
        )

    def _calendar(self, path: str, kept: Kept) -> str:
        return self._response(
            path,
            self._d("resourcetype", self._d("collection") + self._c("calendar")),
            self._d("displayname", "A name that is nobody's business"),
            f"<{self.dialect.s}:getctag>{kept.tag}</{self.dialect.s}:getctag>",
            self._c("supported-calendar-component-set", f'<{self.dialect.c}:comp name="{kept.holds}"/>'),
            self._c("schedule-calendar-transp", self._c("opaque" if kept.counts else "transparent")),
        )

    def _response(self, href: str, *properties: str) -> str:
        told = self._d("prop", "".join(properties)) + self._d("status", "HTTP/1.1 200 OK")
        return self._d("response", self._d("href", href) + self._d("propstat", told))

    def _multistatus(self, *responses: str) -> Response:
        names = _NAMES.format(d=self.dialect.d, c=self.dialect.c, s=self.dialect.s)
        body = f"<{self.dialect.d}:multistatus {names}>{''.join(responses)}</{self.dialect.d}:multistatus>"
        return Response(f'<?xml version="1.0" encoding="utf-8"?>{body}', 207, media_type="application/xml")

    def _d(self, name: str, inside: str = "") -> str:
        return f"<{self.dialect.d}:{name}>{inside}</{self.dialect.d}:{name}>"

    def _c(self, name: str, inside: str = "") -> str:
        return f"<{self.dialect.c}:{name}>{inside}</{self.dialect.c}:{name}>"
