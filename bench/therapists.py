"""Many therapists, all alike enough to be candidates, different enough to be ranked."""

from datetime import datetime
from uuid import uuid4

from models.database import connect, session_factory
from models.therapist import Therapist, WeeklyHours
from rules.words import IntroCalls

_CONCERNS = ("anxiety", "grief", "sleep", "burnout", "trauma", "parenting")
_DAYS = ("mon", "tue", "wed", "thu", "fri")


async def add_therapists(url: str, count: int, *, now: datetime) -> None:
    """Write ``count`` therapists with weekly hours, ``therapist-0`` and so on."""
    engine = connect(url)
    async with session_factory(engine)() as session:
        for number in range(count):
            therapist = Therapist(
                id=uuid4(),
                slug=f"therapist-{number}",
                name=f"Therapist {number}",
                email=f"therapist-{number}@practice.example",
                time_zone="America/New_York",
                licensed_in=["NY"],
                concerns=[concern for place, concern in enumerate(_CONCERNS) if (number >> place) & 1],
                languages=["en"] if number % 3 else ["en", "es"],
                modalities=["individual"],
                insurances=["Aetna"] if number % 2 else [],
                session_fee_amount=12000,
                session_fee_currency="USD",
                intro_calls=IntroCalls.OPTIONAL,
                caseload_limit=20 + number % 20,
                created_at=now,
            )
            session.add(therapist)
            await session.flush()
            session.add_all(
                WeeklyHours(
                    therapist_id=therapist.id,
                    weekday=day,
                    opens=60 * (8 + number % 4),
                    closes=60 * (16 + number % 4),
                    types=["intro_call", "session"],
                )
                for day in _DAYS
            )
        await session.commit()
    await engine.dispose()
