"""Rows as journeys, the API and people would have left them, written without any of these."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zlib import compress

from sqlalchemy import text
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.accounts.tokens import hash_of, new_token
from models.database import Sessions
from models.reads.clients.candidates import candidates_record
from models.tables import (
    Account,
    Appointment,
    Client,
    FormMatch,
    HandedIn,
    Match,
    OccupiedTime,
    Opening,
    Payment,
    Therapist,
)
from models.tables.accounts.token import Token, TokenKind
from models.writes.booking.hours import save_availability
from rules.accounts.openings import LASTS, OpeningKind
from rules.accounts.sides import AccountSide
from rules.booking.availability import read_availability
from rules.clients.answers import Answers
from rules.clients.candidates import candidates_of
from rules.clients.matching import match as matched
from rules.enums import (
    AppointmentStatus,
    AppointmentType,
    ClientStatus,
    IntroCalls,
    Mode,
    PaymentKind,
    PaymentStatus,
    Role,
    Source,
    Stage,
)
from rules.money.terms import Terms
from rules.policy import JourneyPolicy
from tests.care.defaults import HASHER, SITE_KEY, Json, weekly_hours

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # a Monday
DAY = timedelta(days=1)
TERMS = Terms.of(JourneyPolicy()).document()
NINE_TO_FIVE = weekly_hours("09:00", "17:00")
NO_NOTICE = {"session": {"minimum_notice": 0}, "intro_call": {"minimum_notice": 0}}


def appointment_row(**columns: Any) -> Appointment:
    """A session by video, booked by the desk for a week from now, unless told otherwise."""
    starts_at = columns.setdefault("starts_at", NOW + 7 * DAY)
    usual: Json = {
        "id": uuid4(),
        "type": AppointmentType.SESSION,
        "status": AppointmentStatus.SCHEDULED,
        "ends_at": starts_at + timedelta(minutes=50),
        "mode": Mode.VIDEO,
        "fee_amount": 15000,
        "fee_currency": "USD",
        "booked_by": "care_team:desk",
        "booked_at": NOW,
        "planned_at": NOW,
        "terms": TERMS,
        "fee_policy_version": 1,
        "booking_id": uuid4(),
    }
    return Appointment(**usual | columns)


def payment_row(appointment: Appointment, **columns: Any) -> Payment:
    """Of an appointment's fee, due a day after its end, with a day to try in."""
    due_at = columns.setdefault("due_at", appointment.ends_at + DAY)
    usual: Json = {
        "id": uuid4(),
        "appointment_id": appointment.id,
        "client_id": appointment.client_id,
        "kind": PaymentKind.SESSION,
        "amount": appointment.fee_amount,
        "currency": appointment.fee_currency,
        "status": PaymentStatus.SCHEDULED,
        "created_at": NOW,
        "deadline": due_at + DAY,
    }
    return Payment(**usual | columns)


async def opens(session: AsyncSession, therapist: Therapist, weekly: list[Json], settings: Json | None = None) -> None:
    """The therapist's hours, and how they may be booked."""
    document = {"weekly": weekly, "settings": settings or {}}
    await save_availability(session, therapist, read_availability(document, time_zone=therapist.time_zone))


class Rows:
    """Writes rows; each answers what it wrote."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions

    async def add(self, *rows: SQLModel) -> None:
        async with self.sessions() as session:
            for row in rows:
                session.add(row)
                await session.flush()
            await session.commit()

    async def change(self, row: SQLModel, **columns: Any) -> None:
        for name, value in columns.items():
            setattr(row, name, value)
        await self.add(row)

    async def handed_in(self, order: Any) -> Json:
        """What people said in an order, which goes through the engine without it."""
        async with self.sessions() as session:
            return (await session.get_one(HandedIn, UUID(order.handed_in))).said

    async def snapshot(self, *tables: str) -> dict[str, list[str]]:
        """Everything that these tables know, row by row."""
        async with self.sessions() as session:
            connection = await session.connection()
            found = {}
            for table in tables:
                rows = await connection.execute(text(f"SELECT row_to_json(t)::text FROM {table} t"))  # noqa: S608
                found[table] = sorted(row[0] for row in rows)
            return found

    async def therapist(
        self, slug: str = "ana", *, weekly: list[Json] = NINE_TO_FIVE, settings: Json = NO_NOTICE, **columns: Any
    ) -> Therapist:
        """Works every day from nine to five, in New York unless told otherwise, without notice."""
        usual: Json = {
            "id": uuid4(),
            "name": slug.title(),
            "email": f"{slug}@practice.example",
            "time_zone": "America/New_York",
            "session_fee_amount": 15000,
            "session_fee_currency": "USD",
            "intro_calls": IntroCalls.OPTIONAL,
            "created_at": NOW,
        }
        row = Therapist(slug=slug, **usual | columns)
        async with self.sessions() as session:
            session.add(row)
            await session.flush()
            if weekly:
                await opens(session, row, weekly, settings)
            await session.commit()
        return row

    async def form_match(self, client: Client, *, match: Match | None = None, answers: Json | None = None) -> FormMatch:
        """The client's matching form, matched with all therapists who are there."""
        said = answers or {"state": "NY", "modality": "individual", "languages": ["en"], "note": "evenings are best"}
        async with self.sessions() as session:
            record = await candidates_record(session)
        found = matched(
            answers=Answers.of_document(said),
            candidates=candidates_of(json.loads(record)),
            earliest_slot=lambda _: NOW,
        )
        form = FormMatch(
            id=uuid4(),
            client_id=client.id,
            match_id=match.id if match else None,
            answers=said,
            explanation=found.to_document(),
            considered=compress(record.encode()),
            made_by="booking_site:site",
            made_at=NOW,
        )
        await self.add(form)
        return form

    async def client(self, therapist: Therapist | None = None, **columns: Any) -> Client:
        id = uuid4()
        stage = columns.setdefault("stage", Stage.FIRST_BOOKING if therapist else Stage.MATCHING)
        usual: Json = {
            "source": Source.MATCHING_FORM,
            "made_by": "booking_site:site",
            "created_at": NOW,
            "stage_shown": Stage.MATCHING if stage is Stage.ARCHIVED else stage,
            "status": ClientStatus.ACTIVE,
        }
        row = Client(
            id=id, ref=id.hex[:10].upper(), therapist_id=therapist.id if therapist else None, **usual | columns
        )
        await self.add(row)
        if therapist:
            how = Source.CARE_TEAM
            await self.add(
                Match(id=uuid4(), client_id=id, therapist_id=therapist.id, how=how, made_by="x", made_at=NOW)
            )
        return row

    async def signed_in(self, client: Client) -> dict[str, str]:
        """The headers of a client who has signed in, for a month."""
        return await self.session_of(await self.account(client))

    async def beside_site(self, client: Client) -> dict[str, str]:
        """The headers of the booking site, which asks on behalf of this client, who has signed in."""
        token = (await self.signed_in(client))["Authorization"]
        return {"Authorization": f"Bearer {SITE_KEY}", "On-Behalf-Of": token}

    async def by_pass(self, client: Client, **columns: Any) -> dict[str, str]:
        """The headers of the booking site with a pass of this client, made now and good for a week."""
        token = new_token()
        usual: Json = {"made_at": NOW, "expires_at": NOW + timedelta(days=7)}
        await self.add(Token(hash=hash_of(token), kind=TokenKind.PASS, client_id=client.id, **usual | columns))
        return {"Authorization": f"Bearer {SITE_KEY}", "On-Behalf-Of": f"Bearer {token}"}

    async def account(self, client: Client, *, password: str | None = None) -> Account:
        """The account of a client, made if there is none."""
        async with self.sessions() as session:
            known = (await session.exec(select(Account).where(col(Account.client_id) == client.id))).first()
        return known or await self._account(side=AccountSide.CLIENT, client_id=client.id, password=password)

    async def staff(
        self,
        handle: str,
        *roles: Role,
        therapist: Therapist | None = None,
        password: str | None = None,
        **columns: Any,
    ) -> Account:
        """Somebody of the practice, whose address is ``handle@practice.example`` unless told otherwise."""
        email = columns.pop("email", f"{handle}@practice.example")
        return await self._account(
            side=AccountSide.STAFF,
            handle=handle,
            name=handle.title(),
            email=email,
            email_folded=email,
            roles=[role.value for role in roles],
            therapist_id=therapist.id if therapist else None,
            password=password,
            **columns,
        )

    async def _account(self, *, password: str | None, **columns: Any) -> Account:
        usual: Json = {"id": uuid4(), "made_at": NOW, "made_by": "tests", "activated_at": NOW}
        row = Account(password_hash=HASHER.hash(password) if password else None, **usual | columns)
        await self.add(row)
        return row

    async def session_of(self, account: Account, **columns: Any) -> dict[str, str]:
        """The headers of a person who has signed in, for a month."""
        token = new_token()
        usual: Json = {"made_at": NOW, "expires_at": NOW + timedelta(days=30)}
        await self.add(Token(hash=hash_of(token), kind=TokenKind.SESSION, account_id=account.id, **usual | columns))
        return {"Authorization": f"Bearer {token}"}

    async def token_of(self, slug: str, **columns: Any) -> str:
        """Of a therapist's program, for a month; that it was made is told nobody, as a call would."""
        token = new_token()
        async with self.sessions() as session:
            therapist = (await session.exec(select(Therapist).where(col(Therapist.slug) == slug))).one()
        made_at = columns.setdefault("made_at", NOW)
        usual: Json = {"made_by": "admin:root", "expires_at": made_at + timedelta(days=30)}
        row = Token(hash=hash_of(token), kind=TokenKind.THERAPIST, therapist_id=therapist.id, **usual | columns)
        await self.add(row)
        return token

    async def appointment(self, client: Client, therapist: Therapist, **columns: Any) -> Appointment:
        """With its time, as long as it is ahead."""
        row = appointment_row(client_id=client.id, therapist_id=therapist.id, **columns)
        await self.add(row)
        if row.status is AppointmentStatus.SCHEDULED:
            shared = row.model_dump(include={"id", "therapist_id", "client_id", "type", "starts_at", "ends_at"})
            await self.add(OccupiedTime(appointment_id=row.id, made_by="care_team:desk", made_at=NOW, **shared))
        return row

    async def opening(self, client: Client, what: OpeningKind, by: str = "care_team:desk", **columns: Any) -> Opening:
        """Begun now, by whoever the timeline names so."""
        opened_at = columns.setdefault("opened_at", NOW)
        usual: Json = {"role": Role(by.partition(":")[0]), "reason": "a reason", "ends_at": opened_at + LASTS}
        row = Opening(id=uuid4(), client_id=client.id, what=what, opened_by=by, **usual | columns)
        await self.add(row)
        return row

    async def payment(self, appointment: Appointment, **columns: Any) -> Payment:
        row = payment_row(appointment, **columns)
        await self.add(row)
        return row
