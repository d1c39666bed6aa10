"""Reads one calendar file in a program of its own, which can be ended: ``python -m calendars.outside``.

How long a file takes nobody can tell before. It is handed in behind a line of JSON, ``{"from", "until", "time_zone",
"owner"}``; the answer is JSON too: ``{"busy": [[start, end, event, all day, tentative], ...]}`` in microseconds since
1970, or ``{"refused": sentence, "because": "not_a_calendar" | "too_much"}``.
"""

import json
import resource
import sys
from typing import Any

from calendars.outside.lines import calendars_in
from calendars.outside.reading import busy_in
from calendars.outside.refusing import NotACalendar, TooMuch
from rules.booking.outside import Window
from rules.local_time import from_micros, to_micros

_MEMORY = 1024**3  # bytes
_SECONDS = 60  # of a processor: whoever began this ends it long before, if they live


def answer(asked: dict[str, Any], file: bytes) -> dict[str, Any]:
    window = Window(starts_at=from_micros(asked["from"]), ends_at=from_micros(asked["until"]))
    try:
        found = busy_in(calendars_in(file), window, time_zone=asked["time_zone"], owner=asked["owner"])
    except NotACalendar as problem:
        return {"refused": str(problem), "because": "not_a_calendar"}
    except (TooMuch, MemoryError, RecursionError) as problem:
        return {"refused": str(problem) or "It takes too much memory.", "because": "too_much"}
    return {
        "busy": [
            [to_micros(span.starts_at), to_micros(span.ends_at), span.event, span.all_day, span.tentative]
            for span in found
        ]
    }


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    said = json.loads(sys.stdin.buffer.readline())
    json.dump(answer(said, sys.stdin.buffer.read()), sys.stdout)
