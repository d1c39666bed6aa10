"""Five fictional therapists, for a practice that is only being looked at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sqlmodel import col, select

from models.database import Sessions
from models.tables.booking.therapist import Therapist
from models.writes.booking.hours import save_availability
from rules.booking.availability import read_availability
from rules.enums import IntroCalls

_BOTH = ["intro_call", "session"]
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")


@dataclass(frozen=True, kw_only=True)
class _Person:
    slug: str
    name: str
    time_zone: str
    licensed_in: tuple[str, ...]
    licence: str  # made up, as they are: its number, the same in each state but for the letters before it
    credentials: str
    concerns: tuple[str, ...]
    languages: tuple[str, ...]
    modalities: tuple[str, ...]
    gender: str
    insurances: tuple[str, ...]
    fee: tuple[int, str]
    intro_calls: IntroCalls
    weekly: list[dict[str, Any]]
    zoom_link: str | None = None
    caseload_limit: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


def _hours(days: tuple[str, ...], opens: str, closes: str, types: list[str] | None = None) -> list[dict[str, Any]]:
    return [{"weekday": day, "from": opens, "to": closes, "types": types or _BOTH} for day in days]


_PEOPLE = (
    _Person(
        slug="ana-silva",
        name="Ana Silva",
        time_zone="America/New_York",
        licensed_in=("NY", "NJ"),
        licence="085512",
        credentials="LCSW",
        concerns=("anxiety", "depression", "burnout", "grief"),
        languages=("en", "pt"),
        modalities=("individual", "couples"),
        gender="female",
        insurances=("Aetna", "Cigna"),
        fee=(15000, "USD"),
        intro_calls=IntroCalls.REQUIRED,
        weekly=_hours(_WEEKDAYS, "09:00", "17:00"),
        zoom_link="https://zoom.example/j/5550100",
        caseload_limit=40,
    ),
    _Person(
        slug="ben-okafor",
        name="Ben Okafor",
        time_zone="America/Chicago",
        licensed_in=("IL", "WI", "NY"),
        licence="149027",
        credentials="PhD",
        concerns=("trauma", "anxiety", "addiction"),
        languages=("en",),
        modalities=("individual", "teen"),
        gender="male",
        insurances=("Blue Cross", "Aetna"),
        fee=(12000, "USD"),
        intro_calls=IntroCalls.OPTIONAL,
        weekly=_hours(("mon", "wed", "thu"), "12:00", "20:00") + _hours(("sat",), "09:00", "13:00", ["session"]),
        caseload_limit=30,
    ),
    _Person(
        slug="mei-tanaka",
        name="Mei Tanaka",
        time_zone="America/Los_Angeles",
        licensed_in=("CA", "WA"),
        licence="077340",
        credentials="LMFT",
        concerns=("family conflict", "parenting", "anxiety", "adhd"),
        languages=("en", "ja"),
        modalities=("family", "teen", "individual"),
        gender="female",
        insurances=("Kaiser",),
        fee=(16000, "USD"),
        intro_calls=IntroCalls.REQUIRED,
        weekly=_hours(("tue", "wed", "thu", "fri"), "10:00", "18:00"),
        zoom_link="https://zoom.example/j/5550101",
        settings={"session": {"duration": 60, "step": 60, "max_per_day": 5}},
    ),
    _Person(
        slug="omar-haddad",
        name="Omar Haddad",
        time_zone="Europe/London",
        licensed_in=("NY",),
        licence="062218",
        credentials="PsyD",
        concerns=("depression", "relationships", "grief", "identity"),
        languages=("en", "ar", "fr"),
        modalities=("individual", "couples"),
        gender="male",
        insurances=("Bupa",),
        fee=(9000, "GBP"),
        intro_calls=IntroCalls.OFF,
        weekly=_hours(("mon", "tue", "wed"), "08:00", "12:00") + _hours(("mon", "tue", "wed"), "14:00", "19:00"),
        settings={"session": {"minimum_notice": 1440, "buffer_after": 15}},
    ),
    _Person(
        slug="rosa-jimenez",
        name="Rosa Jiménez",
        time_zone="America/New_York",
        licensed_in=("NY", "FL", "TX"),
        licence="118903",
        credentials="LCSW",
        concerns=("couples", "relationships", "anxiety", "sleep"),
        languages=("es", "en"),
        modalities=("couples", "family", "individual"),
        gender="female",
        insurances=("Cigna", "UnitedHealthcare"),
        fee=(14000, "USD"),
        intro_calls=IntroCalls.OPTIONAL,
        weekly=_hours(("mon", "tue", "thu", "fri"), "13:00", "21:00"),
        caseload_limit=25,
    ),
)


async def add_demo_therapists(sessions: Sessions, now: datetime) -> None:
    """Add those of the five that are not there yet, by slug; what somebody changed since stays changed."""
    async with sessions() as session:
        slugs = [person.slug for person in _PEOPLE]
        there = set((await session.exec(select(Therapist.slug).where(col(Therapist.slug).in_(slugs)))).all())
        for person in _PEOPLE:
            if person.slug in there:
                continue
            therapist = Therapist(
                id=uuid5(NAMESPACE_URL, f"care-journeys/therapist/{person.slug}"),
                slug=person.slug,
                name=person.name,
                email=f"{person.slug}@practice.example",
                time_zone=person.time_zone,
                licensed_in=list(person.licensed_in),
                licences=[{"state": state, "number": f"{state}{person.licence}"} for state in person.licensed_in],
                credentials=person.credentials,
                concerns=list(person.concerns),
                languages=list(person.languages),
                modalities=list(person.modalities),
                gender=person.gender,
                insurances=list(person.insurances),
                session_fee_amount=person.fee[0],
                session_fee_currency=person.fee[1],
                intro_calls=person.intro_calls,
                zoom_link=person.zoom_link,
                caseload_limit=person.caseload_limit,
                created_at=now,
            )
            session.add(therapist)
            await session.flush()
            document = {"weekly": person.weekly, "settings": dict(person.settings)}
            await save_availability(session, therapist, read_availability(document, time_zone=therapist.time_zone))
        await session.commit()
