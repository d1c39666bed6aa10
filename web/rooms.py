"""Where a video call takes place, on either side's page."""

import hmac
from collections.abc import Mapping
from typing import Any

from web.edge.keys import derived
from web.settings import WebSettings


def room_of(settings: WebSettings, appointment: Mapping[str, Any]) -> str | None:
    """The address of an appointment's room; None for a phone call, and where the practice has no rooms. Whoever knows
    the appointment's id cannot guess its name."""
    if appointment["mode"] == "zoom":
        link: str | None = appointment["join_url"]
        return link
    if appointment["mode"] != "video" or settings.video_room_url is None:
        return None
    name = hmac.new(derived(settings, "rooms"), str(appointment["id"]).encode(), "sha256").hexdigest()[:32]
    return settings.video_room_url.replace("{room}", name)
