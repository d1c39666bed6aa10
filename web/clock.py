"""What time it is for the practice: of this machine, or, on a stack whose clock can be moved, of the API."""

from datetime import UTC, datetime

from web.asking.api import Asking
from web.settings import WebSettings


async def now(asking: Asking, settings: WebSettings) -> datetime:
    if settings.time_travel:
        moved = await asking.get("/dev/clock")
        asking.calls -= 1  # no page of a real practice asks this
        return datetime.fromisoformat(moved["now"])
    return datetime.now(UTC)
