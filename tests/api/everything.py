"""One of everything that can be asked for by an id: of one therapist's client, by default ana's Sara."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import NAMESPACE_OID, uuid4, uuid5

from api.accounts.tokens import hash_of
from models.reads.accounts.tokens import public_id
from models.tables import (
    Approval,
    BulkArchiveRecord,
    CalendarFeed,
    Chat,
    ChatMember,
    ClientGroup,
    Closure,
    Document,
    DocumentContent,
    DocumentShare,
    FormAnswer,
    FormDraft,
    FormRequest,
    FormUpload,
    FormUploadContent,
    Goal,
    Keeping,
    KeptCopy,
    Leave,
    Notification,
    OccupiedTime,
    OutsideCalendarRow,
    PracticeText,
    ProgramKey,
    Reconciliation,
    SecondFactor,
    SessionNote,
    Task,
    TherapistPhoto,
    TimeOffPeriod,
    WaitlistPlace,
    WebhookRecord,
)
from models.tables.accounts.token import Token, TokenKind
from rules.accounts.openings import OpeningKind
from rules.accounts.second_factors import FactorKind
from rules.enums import (
    AppointmentStatus,
    AppointmentType,
    ApprovalAct,
    CalendarKind,
    ChatKind,
    PaymentStatus,
    Role,
    TaskKind,
)
from rules.events.webhooks import EndpointSide
from rules.forms.signed import SignedCopy
from rules.forms.signed import hash_of as hash_of_copy
from rules.money.discrepancies import DiscrepancyKind
from rules.money.receipts import Letterhead
from tests.api.callers import Callers
from tests.care.ledger_rows import stated
from tests.care.rows import NOW, TERMS, Rows


@dataclass(frozen=True)
class Everything:
    """Ids by their name in paths and bodies. ``chats`` has one chat of each kind."""

    ids: dict[str, str]
    chats: dict[str, str]

    def ghost(self) -> dict[str, str]:
        """The same names for what is not there."""
        return {name: str(uuid4()) if len(id) == len(str(uuid4())) else "nobody-there" for name, id in self.ids.items()}


async def one_of_everything(rows: Rows, people: Callers) -> Everything:
    ana, sara, by = people.ana, people.sara, f"therapist:{people.ana.slug}"
    made: Any = {"made_by": by, "made_at": NOW}
    secret = ana.slug[0] * 43
    appointment = await rows.appointment(
        sara,
        ana,
        status=AppointmentStatus.OCCURRED,
        starts_at=NOW - timedelta(days=1),
        booked_by=f"client:{sara.id} by pass",
    )
    payment = await rows.payment(appointment, status=PaymentStatus.PAID, paid_at=NOW, stated=stated(sara, ana))
    card = {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2029, "fingerprint": "f4242"}
    await rows.change(sara, card=card, stripe_customer=f"cus_{sara.ref}", stripe_payment_method=f"pm_{sara.ref}")
    goal = Goal(id=uuid4(), client_id=sara.id, text="Walk", **made)
    document = Document(
        id=uuid4(),
        therapist_id=ana.id,
        title="Plan",
        filename="plan.txt",
        content_type="text/plain",
        size=4,
        sha256="0" * 64,
        uploaded_by=by,
        uploaded_at=NOW,
    )
    share = DocumentShare(id=uuid4(), document_id=document.id, client_id=sara.id, shared_by=by, shared_at=NOW)
    note = SessionNote(
        id=uuid4(),
        appointment_id=appointment.id,
        client_id=sara.id,
        therapist_id=ana.id,
        text="We spoke.",
        shared=True,
        shared_at=NOW,
        written_by=by,
        written_at=NOW,
    )
    place = WaitlistPlace(
        id=uuid4(),
        client_id=sara.id,
        therapist_id=ana.id,
        type=AppointmentType.SESSION,
        wished_from=NOW,
        wished_until=NOW + timedelta(days=9),
        joined_at=NOW,
        joined_by=by,
    )
    news = Notification(
        id=uuid4(), therapist_id=ana.id, client_id=sara.id, kind="form_completed", text="Sara completed a form.", at=NOW
    )
    hold = OccupiedTime(
        id=uuid4(),
        therapist_id=ana.id,
        type=AppointmentType.SESSION,
        starts_at=NOW + timedelta(days=5),
        ends_at=NOW + timedelta(days=5, minutes=50),
        made_by=by,
        made_at=NOW,
        expires_at=NOW + timedelta(minutes=10),
    )
    away: Any = {
        "therapist_id": ana.id, "starts_at": NOW + timedelta(days=50), "ends_at": NOW + timedelta(days=60)
    }  # fmt: skip
    leave = Leave(id=uuid4(), **away, **made)
    time_off = TimeOffPeriod(id=uuid4(), number=9, **away)
    group = ClientGroup(id=uuid4(), name="Circle", name_folded=f"circle {sara.ref}", **made)
    closure = Closure(id=uuid4(), day=date(2026, 6, 1 + ord(ana.slug[0]) % 28), name="A day off", **made)
    kind = f"own-{sara.ref.lower()}"
    template = PracticeText(id=uuid4(), kind=kind, version=1, title="Own", terms=TERMS, fields=[], **made)
    form = FormRequest(
        id=uuid4(), client_id=sara.id, kind="informed_consent", version=1, requested_at=NOW, requested_by="system"
    )
    upload = FormUpload(
        id=uuid4(),
        client_id=sara.id,
        kind=form.kind,
        field="scan",
        filename="scan.txt",
        content_type="text/plain",
        size=4,
        sha256="0" * 64,
        uploaded_by=by,
        uploaded_at=NOW,
        wanted_at=NOW,
    )
    task = Task(
        id=uuid4(),
        key=f"card_missing:{sara.id}",
        client_id=sara.id,
        kind=TaskKind.CARD_MISSING,
        text="A card is missing.",
        opened_at=NOW,
    )
    archive = BulkArchiveRecord(id=uuid4(), asked_by="care_team:desk", asked_at=NOW)
    compared = Reconciliation(
        id=uuid4(),
        asked_by="care_team:desk",
        started_at=NOW,
        since=NOW - timedelta(days=1),
        until=NOW,
        finished_at=NOW,
        differences=[{"kind": DiscrepancyKind.TAKEN_TWICE, "text": "It differs.", "client_id": str(sara.id)}],
    )
    approval = Approval(
        id=uuid4(),
        request_id=str(uuid4()),
        act=ApprovalAct.WAIVE,
        client_id=sara.id,
        payment_id=payment.id,
        amount=payment.amount,
        currency=payment.currency,
        order={"reason": "hardship"},
        asked_by="care_team:maria",
        asked_role=Role.CARE_TEAM,
        asked_as="maria",
        person="program:maria",
        asked_at=NOW,
        lapses_at=NOW + timedelta(days=7),
    )
    calendar = OutsideCalendarRow(
        id=uuid4(),
        therapist_id=ana.id,
        kind=CalendarKind.ICS,
        label="Mine",
        access={"address": "https://cal.example/s"},
        known={"etag": "1"},
        **made,
    )
    opening = await rows.opening(sara, OpeningKind.GOALS, opened_at=NOW - timedelta(hours=2))  # which is over
    feed = CalendarFeed(therapist_id=ana.id, secret_hash=hash_of(secret), **made)
    photo = TherapistPhoto(therapist_id=ana.id, content=b"a picture")
    content = DocumentContent(document_id=document.id, number=0, content=b"plan")
    await rows.add(
        goal, document, content, share, note, place, news, hold, group, closure, template, form, task, upload, photo
    )
    await _forms_of(rows, form, upload, by=by)
    kept = Keeping(id=uuid4(), asked_by="care_team:desk", started_at=NOW)
    await rows.add(archive, compared, kept, feed, approval, leave, time_off, calendar)
    elsewhere = (await rows.session_of(await rows.account(sara)))["Authorization"].removeprefix("Bearer ")
    program = Token(
        hash=hash_of(f"a program of {ana.slug}"),
        kind=TokenKind.THERAPIST,
        therapist_id=ana.id,
        made_at=NOW,
        expires_at=NOW + timedelta(days=30),
    )
    key = ProgramKey(
        id=uuid4(), name=f"watch-{ana.slug}", role=Role.CARE_TEAM, hash=hash_of(f"a key of {ana.slug}"), **made
    )
    hook = WebhookRecord(
        id=uuid4(),
        url=f"https://site.example/{ana.slug}",
        side=EndpointSide.SITE,
        secret="whsec_" + "YWJj" * 8,
        cursor=0,
        made_at=NOW,
        made_by=by,
    )
    await rows.add(program, key, hook)
    made_factor: Any = {"account_id": (await rows.account(sara)).id, "kind": FactorKind.TOTP, "made_at": NOW}
    enrolment = SecondFactor(id=uuid4(), secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", **made_factor)
    factor = SecondFactor(id=uuid4(), secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", confirmed_at=NOW, **made_factor)
    await rows.add(enrolment, factor)
    maria = await rows.staff(f"maria-of-{ana.slug}", Role.CARE_TEAM)
    invited = await rows.staff(f"invited-by-{ana.slug}", Role.CARE_TEAM, activated_at=None, invited_at=NOW)
    await rows.form_match(sara)
    chats = await _chats_of(rows, people, by=by)
    ids = {
        "slug": ana.slug,
        "client_id": sara.id,
        "member_id": sara.id,
        "appointment_id": appointment.id,
        "payment_id": payment.id,
        "approval_id": approval.id,
        "goal_id": goal.id,
        "document_id": document.id,
        "upload_id": upload.id,
        "note_id": note.id,
        "place_id": place.id,
        "notification_id": news.id,
        "hold_id": hold.id,
        "leave_id": leave.id,
        "group_id": group.id,
        "closure_id": closure.id,
        "calendar_id": calendar.id,
        "task_id": task.id,
        "archive_id": archive.id,
        "id": compared.id,
        "keeping_id": kept.id,
        "opening_id": opening.id,
        "staff_id": maria.id,
        "enrolment_id": enrolment.id,
        "factor_id": factor.id,
        "session_id": uuid5(NAMESPACE_OID, hash_of(elsewhere)),
        "token_id": public_id(program),
        "invitation_id": invited.id,
        "key_id": key.id,
        "webhook_id": hook.id,
        "chat_id": chats["direct"],
        "secret": secret,
        "own_kind": template.kind,
    }
    return Everything(ids={name: str(id) for name, id in ids.items()}, chats=chats)


async def _chats_of(rows: Rows, people: Callers, *, by: str) -> dict[str, str]:
    ana, sara = people.ana, people.sara
    chats = {}
    for kind in ChatKind:
        own, among_staff = kind in (ChatKind.DIRECT, ChatKind.CARE_TEAM), kind is ChatKind.STAFF
        chat = Chat(
            id=uuid4(),
            kind=kind,
            title=None if own or among_staff else "Mondays",
            client_id=sara.id if own else None,
            therapist_id=None if kind in (ChatKind.CARE_TEAM, ChatKind.COMMUNITY) else ana.id,
            made_by=by,
            made_at=NOW,
        )
        await rows.add(chat)
        if not among_staff:
            await rows.add(ChatMember(chat_id=chat.id, client_id=sara.id, joined_at=NOW, added_by=by))
        chats[kind.value] = str(chat.id)
    return chats


async def _forms_of(rows: Rows, form: FormRequest, upload: FormUpload, *, by: str) -> None:
    """A draft of the form, a file for it, and what was signed of it before."""
    draft = FormDraft(
        client_id=form.client_id,
        kind=form.kind,
        version=form.version,
        answers={"agrees": True},
        saved_by=by,
        saved_at=NOW,
    )
    answer = FormAnswer(
        id=uuid4(), request_id=form.id, answers={"agrees": True}, signature="Sara", answered_by=by, answered_at=NOW
    )
    await rows.add(draft, FormUploadContent(upload_id=upload.id, number=0, content=b"scan"), answer)
    copy = SignedCopy(practice=Letterhead(name="Riverside"), signed_at=NOW, pieces=(), salt="00").document()
    await rows.add(KeptCopy(answer_id=answer.id, document=copy, sha256=hash_of_copy(copy)))
