"""How much of a request's head may wait in memory, and how long a connection may take over what it sends and reads.

Size is h11's own bound, which uvicorn hands on; its other parser, httptools, has none, and keeps headers for as long as
they come. For time uvicorn has one between two requests alone: the rest is added here.

Where a request ends must be beyond doubt: what a proxy takes for its body, and we for another request, would be
answered to somebody else (request smuggling). h11 refuses lengths that differ, and any coding but ``chunked``. A length
beside a coding it lets pass, and a coding in HTTP/1.0, which older proxies do not know: these are refused here.
"""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_HEAD_BYTES = 32 * 1024  # of the request line and all headers together
KEPT_OPEN = 75  # seconds without a request; longer than callers and proxies keep theirs, so that it is they who close


class _OneEnd(h11.Connection):
    """A request whose end could be read in two ways is no request."""

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        event = super().next_event()
        if isinstance(event, h11.Request):
            names = {name for name, _ in event.headers}
            if b"transfer-encoding" in names and (b"content-length" in names or event.http_version != b"1.1"):
                message = "where this request ends can be read in two ways"
                raise h11.RemoteProtocolError(message)
        return event


class BoundedConnection(H11Protocol):
    """One connection. What takes longer than these bounds (seconds) is cut off: a slow sender holds nothing for long.

    The head's time begins with the connection, and after an answer with the first byte of the next request. A body's
    begins with its head: 10 MB in three minutes are half a megabit a second.
    """

    head_within = 10.0
    body_within = 180.0
    read_within = 60.0  # for as long as nobody takes in any of an answer that does not fit into the network's buffers

    _receiving: asyncio.TimerHandle | None = None
    _sending: asyncio.TimerHandle | None = None
    _phase = "quiet"

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.conn = _OneEnd(h11.SERVER, MOST_HEAD_BYTES)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        super().connection_made(transport)
        self._enter("head")

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:  # type: ignore[redundant-expr] # None before the first
            self._enter("head")
        else:
            self._enter(f"body {id(self.cycle)}" if self.cycle.more_body else "quiet")

    def on_response_complete(self) -> None:
        self._enter("quiet")
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._enter("quiet")
        self._stop_waiting_to_send()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._sending = self.loop.call_later(self.read_within, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_waiting_to_send()

    def _enter(self, phase: str) -> None:
        """The time of a phase runs from its beginning, however often something comes meanwhile."""
        if phase == self._phase:
            return
        self._phase = phase
        if self._receiving is not None:
            self._receiving.cancel()
            self._receiving = None
        if phase != "quiet":
            within = self.head_within if phase == "head" else self.body_within
            self._receiving = self.loop.call_later(within, self.transport.close)

    def _stop_waiting_to_send(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None


# For uvicorn's Config. There are no websockets here, so no upgrade takes a connection out of these bounds.
CONNECTIONS: dict[str, Any] = {
    "http": BoundedConnection,
    "h11_max_incomplete_event_size": MOST_HEAD_BYTES,
    "timeout_keep_alive": KEPT_OPEN,
    "ws": "none",
    "proxy_headers": False,  # of which it would believe whoever is on this machine: see api.edge.proxies
}
