"""An event as programs are told it: the same in a list and in a webhook."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID


def shown_event(
    *, id: int | str, kind: str, at: datetime, client_id: UUID | None, ref: str | None, data: Mapping[str, Any]
) -> dict[str, Any]:
    """JSON. ``at`` is RFC 3339, in UTC."""
    return {
        "id": id,
        "kind": kind,
        "at": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "client_id": str(client_id) if client_id else None,
        "ref": ref,
        "data": dict(data),
    }
