"""The product's clock: one port, with the system's time or the engine's behind it.

Everything that reads the time (API, activities, stand-ins) takes a :class:`Clock`. In real use it is the
system's. On the movable clock it is the time-skipping Temporal server's, so that timers, database rows, mails
and charges agree.
"""

from datetime import UTC, datetime, timedelta
from typing import Protocol

from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty
from temporalio.api.testservice.v1 import LockTimeSkippingRequest, SleepRequest
from temporalio.service import ConnectConfig, RPCError, RPCStatusCode, ServiceClient

_READ_TIMEOUT = timedelta(seconds=10)


class Clock(Protocol):
    """Tells the time. Aware, in UTC."""

    async def now(self) -> datetime: ...


class SystemClock:
    """The machine's own time."""

    async def now(self) -> datetime:
        return datetime.now(UTC)


class ClockUnavailable(ConnectionError):
    """The engine's clock could not be asked, or could not be moved in the time given."""


class EngineClock:
    """The clock of a time-skipping Temporal test server.

    It runs on at real speed and can be moved forward; moving it fires every timer due on the way, and waits
    for the activities that those start. It is one clock for all journeys on that server.

    Args:
        address: ``host:port`` of the server. Connected on first use: it may be made before it runs.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._config = ConnectConfig(target_host=address, lazy=True, keep_alive_config=None)
        self._service: ServiceClient | None = None

    async def now(self) -> datetime:
        """The engine's time. Raises ClockUnavailable when the server does not answer."""
        service = await self._connected()
        try:
            answer = await service.test_service.get_current_time(Empty(), retry=True, timeout=_READ_TIMEOUT)
        except RPCError as error:
            raise ClockUnavailable(f"The engine's clock at {self.address} is silent: {error.message}") from error
        return answer.time.ToDatetime(tzinfo=UTC)

    async def lock(self) -> None:
        """Stop the clock from racing ahead. A fresh server starts unlocked: call this first of all."""
        service = await self._connected()
        await service.test_service.lock_time_skipping(LockTimeSkippingRequest(), retry=True, timeout=_READ_TIMEOUT)

    async def advance(self, delta: timedelta, *, timeout: timedelta = timedelta(minutes=10)) -> datetime:
        """Move the engine forward by ``delta`` and return its new time.

        Everything due on the way has fired, and the activities it started have ended, but for those of the last
        moments: the clock runs at real speed while one runs, and may arrive before that has ended. ``timeout``
        is real time. Raises ValueError for a delta that is not positive, ClockUnavailable when the engine was
        not there in time.
        """
        if delta <= timedelta():
            raise ValueError("The clock only moves forward: give a positive time to advance by.")
        service = await self._connected()
        duration = Duration()
        duration.FromTimedelta(delta)
        try:
            await service.test_service.unlock_time_skipping_with_sleep(SleepRequest(duration=duration), timeout=timeout)
        except RPCError as error:
            late = error.status in {RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED}
            because = f"it was not there after {timeout}" if late else error.message
            raise ClockUnavailable(f"The engine's clock could not be moved by {delta}: {because}.") from error
        return await self.now()

    async def _connected(self) -> ServiceClient:
        if self._service is None:
            self._service = await ServiceClient.connect(self._config)
        return self._service


def clock_for(time_travel_address: str | None) -> SystemClock | EngineClock:
    """The engine's clock when an address of a time-skipping server is given, else the system's."""
    return EngineClock(time_travel_address) if time_travel_address else SystemClock()
