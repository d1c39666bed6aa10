"""What time it is for the practice: of this machine, or, on a stack whose clock can be moved, of the API."""

from datetime import UTC, datetime

from web.asking.api import Asking
from web.settings import WebSettings


async def now(asking: Asking, settings: WebSettings) -> datetime:
    if settings.time_travel:
        return datetime.fromisoformat((await asking.get("/dev/clock"))["now"])
    return datetime.now(UTC)
