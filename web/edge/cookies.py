"""The cookies of the pages: no script reads one of a person, and no other host can set one in its place.

``__Host-`` needs https, so it is production's. Away from there names end in the port: cookies know no ports, and two
stacks on one machine would sign one another out.
"""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from web.settings import WebSettings

CLIENT, STAFF = "client", "staff"  # the token of a sign-in, one for each side: both may be open in one browser
VISIT = "visit"  # a client's pass, and whose it is, until the account is activated
DEVICE_OF = {CLIENT: "device", STAFF: "staff-device"}  # shows a known device at the next sign-in
FORGERY = "forgery"  # web.edge.forgery
OIDC = "oidc"  # a sign-in by the provider that is under way
ANSWERS = "answers"  # of the matching form, sealed
SUGGESTED = "suggested"  # what came of them, sealed
DETAILS = "details"  # typed for a booking whose time was gone, sealed, until there is another
HELD = "held"  # the time that is held while details are typed, sealed
ZONE = "zone"  # of the browser, set by our script or chosen by hand
DEVICE_KEPT = 90 * 24 * 3600  # seconds, as the API does
_READ_BY_SCRIPT = frozenset({ZONE})


@dataclass(frozen=True)
class Cookies:
    settings: WebSettings

    def get(self, request: Request, name: str) -> str | None:
        return request.cookies.get(self.name(name)) or None

    def put(self, response: Response, name: str, value: str, *, keep: int | None = None) -> None:
        """``keep``: seconds; without it until the browser is closed."""
        response.set_cookie(
            self.name(name),
            value,
            max_age=keep,
            path="/",
            secure=self.settings.production,
            httponly=name not in _READ_BY_SCRIPT,
            samesite="lax",
        )

    def drop(self, response: Response, name: str) -> None:
        response.delete_cookie(
            self.name(name),
            path="/",
            secure=self.settings.production,
            httponly=name not in _READ_BY_SCRIPT,
            samesite="lax",
        )

    def name(self, name: str) -> str:
        return f"__Host-{name}" if self.settings.production else f"{name}-{self.settings.web_port}"
