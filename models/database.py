"""The connection to PostgreSQL, and for how long anything is waited for there.

Nothing waits without end: a server that is gone is noticed within five seconds (see ``pulse``), a row that somebody
else has is waited for no longer than ``LOCK``, and no statement may take longer than ``STATEMENT``.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

import psycopg
from psycopg import waiting
from psycopg.abc import PQGen
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from models.pulse import Pulse, Silent
from models.sealed import RowKeys, keep_keys
from rules.chain import ChainKeys

Sessions = async_sessionmaker[AsyncSession]
Connection = psycopg.AsyncConnection[Any]
Result = TypeVar("Result")

LOCK, STATEMENT, IDLE = 8, 30, 60  # seconds, kept by the server
_ANY_ANSWER = STATEMENT + 10  # seconds, kept here: for one connection that is dead while the server lives
_CONNECT = 3
_CHAIN = "chain"  # where a session keeps its keys
_FOR_A_PLACE = 10
_SERVER_SIDE = {
    "timezone": "UTC",
    "lock_timeout": f"{LOCK}s",
    "statement_timeout": f"{STATEMENT}s",
    "idle_in_transaction_session_timeout": f"{IDLE}s",  # a program that hangs lets its rows go
    "client_connection_check_interval": "2s",  # and the server notices one that is gone while it works for it
}
_NETWORK = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 10_000}


def pulse_of(url: str) -> Pulse:
    """The pulse of the server at a ``postgresql://`` URL."""

    async def lives() -> bool:
        async with await psycopg.AsyncConnection.connect(url, connect_timeout=_CONNECT, autocommit=True) as asking:
            await asking.execute("SELECT 1")
        return True

    return Pulse(lives)


def connect(url: str, *, pool_size: int = 10, max_overflow: int = 10, pulse: Pulse | None = None) -> AsyncEngine:
    """An engine for a ``postgresql://`` URL. Times come back in UTC; nothing is opened until the first query.

    ``pulse`` is the server's, where others feel it too.

    What waits for a server that is gone, or for longer than the bounds above, raises OperationalError; what waits for a
    place in the pool, SQLAlchemy's TimeoutError.
    """
    target = make_url(url).set(drivername="postgresql+psycopg")
    options = " ".join(f"-c {name}={value}" for name, value in _SERVER_SIDE.items())
    return create_async_engine(
        target,
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_timeout=_FOR_A_PLACE,
        pool_pre_ping=True,
        hide_parameters=True,  # an error must never put what people wrote into a log
        connect_args={
            "options": options,
            "connect_timeout": _CONNECT,
            "async_creator_fn": _opener(pulse or pulse_of(url)),
            **_NETWORK,
        },
    )


def _opener(pulse: Pulse) -> Callable[..., Any]:
    """How the pool opens connections: each feels the server's pulse."""

    class Felt(psycopg.AsyncConnection[Any]):
        async def wait(self, gen: PQGen[Result], interval: float = _ANY_ANSWER, timeout: float | None = None) -> Result:
            # Not the driver's own: interrupted, that asks the server to stop, and waits for one that is gone. The
            # interval is said because without it the driver asks the socket again and again, as fast as it can.
            try:
                async with pulse.felt(at_most=_ANY_ANSWER):
                    return await waiting.wait_async(gen, self.pgconn.socket, interval, timeout)
            except Silent:
                self.pgconn.finish()
                raise psycopg.OperationalError("the database does not answer") from None
            except BaseException as error:
                if not isinstance(error, Exception):
                    self.pgconn.finish()
                raise

    async def open_one(*places: Any, **named: Any) -> Connection:
        try:
            async with pulse.felt():
                return await Felt.connect(*places, **named)
        except Silent:
            raise psycopg.OperationalError("the database does not answer") from None

    return open_one


reads_alone: ContextVar[bool] = ContextVar("reads_alone", default=False)
"""Set where a request that changes nothing is answered."""


class SessionsApart(async_sessionmaker[AsyncSession]):
    """Sessions of requests that change nothing have a pool of their own.

    Writers may all wait for one row that somebody has; who reads never waits behind them for a place.
    """

    def __init__(
        self, writing: AsyncEngine, *, reading: AsyncEngine, chain: ChainKeys | None = None, rows: RowKeys | None = None
    ) -> None:
        info = keep_keys({_CHAIN: chain}, rows)
        super().__init__(writing, class_=AsyncSession, expire_on_commit=False, info=info)
        self._reading = reading

    def __call__(self, **local: Any) -> AsyncSession:
        if reads_alone.get():
            local.setdefault("bind", self._reading)
        return super().__call__(**local)


def session_factory(engine: AsyncEngine, *, chain: ChainKeys | None = None, rows: RowKeys | None = None) -> Sessions:
    """``chain``: by which the sessions sign facts and verify them; ``rows``: by which they seal and open what people
    wrote. Whoever does none of it needs none."""
    info = keep_keys({_CHAIN: chain}, rows)
    return async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False, info=info)


def chain_keys(session: AsyncSession) -> ChainKeys:
    """By which facts are signed."""
    keys: ChainKeys | None = session.info.get(_CHAIN)
    if keys is None:
        raise LookupError("these sessions were made without CHAIN_KEYS")
    return keys
