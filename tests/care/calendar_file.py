"""A calendar that a therapist keeps elsewhere, as a file at a private address."""

from datetime import datetime

from fastapi import FastAPI
from starlette.responses import Response


class CalendarFile:
    """At ``url``: a file with these events, or an answer ``says`` instead."""

    def __init__(self) -> None:
        self.events: list[tuple[datetime, datetime]] = []
        self.says: int | None = None
        self.asked = 0
        self.url = ""
        self.app = FastAPI()
        self.app.add_api_route("/private-4f0c/basic.ics", self.file)

    async def file(self) -> Response:
        self.asked += 1
        if self.says is not None:
            return Response("no", self.says)
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0"]
        for number, (first, last) in enumerate(self.events):
            lines += ["BEGIN:VEVENT", f"UID:{number}", "SUMMARY:My divorce lawyer"]
            lines += [f"DTSTART:{first:%Y%m%dT%H%M%SZ}", f"DTEND:{last:%Y%m%dT%H%M%SZ}", "END:VEVENT"]
        return Response("\r\n".join([*lines, "END:VCALENDAR"]), media_type="text/calendar")
