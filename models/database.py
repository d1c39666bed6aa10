"""The connection to PostgreSQL."""

from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

Sessions = async_sessionmaker[AsyncSession]


def connect(url: str, *, pool_size: int = 10, max_overflow: int = 10) -> AsyncEngine:
    """An engine for a ``postgresql://`` URL. Times come back in UTC; nothing is opened until the first query."""
    target = make_url(url).set(drivername="postgresql+psycopg")
    return create_async_engine(
        target,
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_timeout=20,
        pool_pre_ping=True,
        hide_parameters=True,  # an error must never put what people wrote into a log
        connect_args={"options": "-c timezone=UTC -c lock_timeout=15s", "connect_timeout": 10},
    )


def session_factory(engine: AsyncEngine) -> Sessions:
    return async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
