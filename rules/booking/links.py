"""The links by which client and therapist meet."""

from uuid import UUID


def join_url_of(mode: str, *, public_url: str, appointment_id: UUID, zoom_link: str | None) -> str | None:
    """The link by which client and therapist meet; none for a phone call."""
    if mode == "zoom":
        return zoom_link
    return f"{public_url.rstrip('/')}/meet/{appointment_id}" if mode == "video" else None
