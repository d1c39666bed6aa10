"""Every call of the API's description, walked as each role, on what is one's own and on what is another's.

A new call without a line in the table fails. Who may not see something is answered as if it were not there; roles that
a call is not meant for are refused; and nobody gets anywhere without a token, but where anybody may.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, NoReturn
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from api.problems import EngineUnavailable
from models.tables import Chat, ClientGroup, Document, TextDraft
from rules.enums import AppointmentStatus, ChatKind, Role
from tests.api.callers import Callers, everybody
from tests.api.conftest import ToldEngine, problem_of, said_of
from tests.api.everything import Everything, one_of_everything
from tests.care.rows import NOW, Rows

# Sara is ana's client, and was former's; Tom is ben's. The site asks alone, with a pass of either, or with a token of
# hers or of staff.
ALL = (
    *("nobody", "site", "sara", "tom", "ana", "ben", "former", "desk", "admin"),
    *("sara-pass", "tom-pass", "via-sara", "via-maria"),
)
ID = re.compile(r"\{(\w*id)\}")


@dataclass(frozen=True, kw_only=True)
class Line:
    """Who is let in, for whom it is missing, and who has to open it first (``closed``); the others are refused. What is
    named belongs to Sara, or to Ana.

    With Sara's token the site is let in where she is, and with Maria's where the desk is; a therapist whose client Sara
    was is as much of a stranger as ben is: unless the line says so itself. A pass is let in, and the site alone, only
    where that is said. An admin is let in where it is no client's matter, and refused everywhere else."""

    let_in: str
    missing: str = ""
    closed: str = ""
    body: Any = None
    query: str = ""

    def given(self, body: Any) -> "Line":
        return replace(self, body=body)

    @property
    def opens(self) -> list[str]:
        return self._with_the_others(self.let_in.split())

    @property
    def hides(self) -> list[str]:
        return self._with_the_others(self.missing.split())

    @property
    def shuts(self) -> list[str]:
        return self._with_the_others(self.closed.split())

    def _with_the_others(self, named: list[str]) -> list[str]:
        said = f"{self.let_in} {self.missing} {self.closed}".split()
        through = {"sara": "via-sara", "ben": "former", "desk": "via-maria"}
        return named + [via for who, via in through.items() if who in named and via not in said]


ANYBODY = Line(let_in=" ".join(ALL))
EVERY_ROLE = Line(let_in="site sara tom ana ben desk admin sara-pass tom-pass")
# What is about clients, one or many: their own, their therapists' and the care team's, and no admin's.
KNOWN = Line(let_in="sara tom ana ben desk")
OR_SITE = Line(let_in="site sara tom ana ben desk sara-pass tom-pass")
OR_PASS = Line(let_in="sara tom ana ben desk sara-pass tom-pass")
PRACTICE = Line(let_in="ana ben desk")
CARE_TEAM = Line(let_in="desk")
# What is the house's: persons, keys, profiles, texts, totals, who looked.
ADMIN = Line(let_in="admin")
OR_ADMIN = Line(let_in="ana ben desk admin")
STAFF = Line(let_in="desk admin")
THERAPISTS = Line(let_in="ana ben")
PEOPLE = Line(let_in="sara tom ana ben via-maria")
SIGNED_IN = Line(let_in="sara tom via-maria")  # ana and ben have tokens for their programs here
OWN_SIGN_IN = Line(let_in="sara", missing="tom via-maria")
A_PERSON = Line(let_in="via-maria", missing="ben")  # of the care team
BY_THE_CARE_TEAM = Line(let_in="via-maria")  # a person: no key, no program, no admin alone
OWN_PROFILE = Line(let_in="ana desk admin")  # that a therapist is there is no secret
OWN_CALENDARS = Line(let_in="ana admin")  # what somebody keeps elsewhere
OWN_FEED = Line(let_in="ana desk")  # which shows appointments to whoever has its address
OF_CLIENT = Line(let_in="sara ana desk", missing="tom ben")
BOOKING = Line(let_in="sara ana desk sara-pass", missing="tom ben tom-pass")  # what a pass opens
PASSES = Line(let_in="sara-pass", missing="tom ben tom-pass")
OF_PRACTICE = Line(let_in="ana desk", missing="ben")
OF_THERAPIST = Line(let_in="ana", missing="ben")
SET_GOALS = Line(let_in="sara ana", missing="tom ben")
OPENED = replace(SET_GOALS, closed="desk")  # an opening shows it to the care team
OPENED_TO_ADMINS = replace(OPENED, closed="desk admin")  # private notes of a therapist who has left, and nothing else
DIRECT_CHAT = Line(let_in="sara ana", missing="tom ben desk")
READ_DIRECT_CHAT = replace(DIRECT_CHAT, missing="tom ben", closed="desk")
GROUP_CHAT = Line(let_in="sara ana desk", missing="tom ben")
BULK = Line(let_in="desk", missing="ana ben")  # the care team's: a therapist sees own ones

NOBODY_THERE = "nobody's"
START = "2026-03-10T15:00:00Z"
WHY = {"reason": "a reason"}
LEAVE = {"starts_at": "2026-04-21T12:00:00Z", "ends_at": "2026-05-01T12:00:00Z"}  # hers, which stands with its time off

CALLS: dict[str, Line] = {
    "GET /healthz": ANYBODY,
    "GET /readyz": ANYBODY,
    "GET /metrics": ANYBODY,
    "POST /codec/decode": BY_THE_CARE_TEAM,
    "POST /codec/encode": BY_THE_CARE_TEAM,
    "GET /unsubscribe/{token}": ANYBODY,
    "POST /unsubscribe/{token}": ANYBODY,
    "POST /v1/webhooks/stripe": ANYBODY,
    "POST /v1/webhooks/sendgrid": ANYBODY,
    "POST /v1/calendar-pushes": ANYBODY,
    "POST /v1/sessions": ANYBODY.given({}),
    "POST /v1/sessions/oidc": ANYBODY.given({"return_url": "https://elsewhere.example"}),
    "POST /v1/sessions/challenges": ANYBODY.given({}),
    "GET /v1/sessions": SIGNED_IN,
    "DELETE /v1/sessions/{session_id}": OWN_SIGN_IN,
    "DELETE /v1/sessions": replace(
        SIGNED_IN, let_in="tom sara via-maria"
    ),  # the first is signed out, and Sara is needed still
    "DELETE /v1/sessions/current": PEOPLE,
    "GET /v1/me": EVERY_ROLE,
    "GET /v1/events": Line(let_in="site desk"),
    "POST /v1/activations": ANYBODY.given({}),
    "GET /v1/activations/{token}": ANYBODY,  # the token is the key
    "POST /v1/joins": ANYBODY.given({}),
    "POST /v1/password-resets": ANYBODY.given({}),
    "GET /v1/password-resets/{token}": ANYBODY,  # the token is the key
    "POST /v1/passwords": ANYBODY.given({}),
    "POST /v1/email-changes": SIGNED_IN.given({"email": "another@mail.example", "current": "x"}),
    "POST /v1/email-changes/confirmations": ANYBODY.given({}),
    "GET /v1/second-factors": SIGNED_IN,
    "POST /v1/second-factors": SIGNED_IN.given({"kind": "totp", "current": "x"}),
    "POST /v1/second-factors/{enrolment_id}/confirmations": OWN_SIGN_IN.given({"code": "123456"}),
    "POST /v1/second-factors/challenges": SIGNED_IN,
    "POST /v1/second-factors/recovery-codes": SIGNED_IN.given({"current": "x", "code": "123456"}),
    "POST /v1/second-factors/{factor_id}/remove": OWN_SIGN_IN.given({"current": "x", "code": "123456"}),
    "POST /v1/staff/{staff_id}/lock": ADMIN,
    "DELETE /v1/staff/{staff_id}/lock": ADMIN,
    "POST /v1/clients/{client_id}/lock": CARE_TEAM,
    "DELETE /v1/clients/{client_id}/lock": CARE_TEAM,
    "DELETE /v1/staff/{staff_id}/second-factors": ADMIN,
    "DELETE /v1/staff/{staff_id}/oidc": ADMIN,
    "DELETE /v1/clients/{client_id}/second-factors": CARE_TEAM,
    "POST /v1/staff": ADMIN.given({"name": "Ivo", "email": "ivo@practice.example", "roles": ["care_team"]}),
    "GET /v1/staff": ADMIN,
    "PATCH /v1/staff/{staff_id}": ADMIN.given({"name": "Maria"}),
    "DELETE /v1/staff/{staff_id}": ADMIN,
    "POST /v1/keys": ADMIN.given({"name": "another", "role": "care_team"}),
    "GET /v1/keys": ADMIN,
    "POST /v1/keys/{key_id}/rotate": ADMIN,
    "DELETE /v1/keys/{key_id}": ADMIN,
    "POST /v1/webhooks": ADMIN.given({"url": "https://site.example/hooks", "for": "site"}),
    "GET /v1/webhooks": ADMIN,
    "GET /v1/webhooks/{webhook_id}": ADMIN,
    "PATCH /v1/webhooks/{webhook_id}": ADMIN.given({"on": False}),
    "DELETE /v1/webhooks/{webhook_id}": ADMIN,
    "POST /v1/webhooks/{webhook_id}/rotate": ADMIN,
    "POST /v1/webhooks/{webhook_id}/test": ADMIN,
    "POST /v1/webhooks/{webhook_id}/replay": ADMIN.given({"since": 0}),
    "GET /v1/webhooks/{webhook_id}/deliveries": ADMIN,
    "GET /v1/invitations": ADMIN,
    "GET /v1/accesses": ADMIN,
    "GET /v1/accesses/verify": ADMIN,
    "GET /v1/clients/{client_id}/accesses": Line(let_in="sara admin", missing="tom"),
    "GET /v1/clients/{client_id}/openings": Line(let_in="ana desk admin", missing="ben"),
    # A key is no person, and there are persons here.
    "POST /v1/clients/{client_id}/openings": replace(A_PERSON, body={"what": "private_notes", **WHY}),
    "DELETE /v1/openings/{opening_id}": Line(let_in="desk admin", missing="ben"),  # the desk began it
    "POST /v1/invitations/{invitation_id}/resend": ADMIN,
    "DELETE /v1/invitations/{invitation_id}": ADMIN,
    # Therapists
    "GET /v1/therapists": ANYBODY,
    "POST /v1/therapists": STAFF.given({}),
    "GET /v1/therapists/{slug}": ANYBODY,
    "PATCH /v1/therapists/{slug}": OWN_PROFILE.given({"name": "Ana"}),
    "POST /v1/therapists/{slug}/photo": OWN_PROFILE.given({}),
    "GET /v1/therapists/{slug}/photo": ANYBODY,
    "DELETE /v1/therapists/{slug}/photo": OWN_PROFILE,
    "POST /v1/therapists/{slug}/tokens": ADMIN,
    "GET /v1/therapists/{slug}/tokens": ADMIN,
    "DELETE /v1/therapists/{slug}/tokens/{token_id}": ADMIN,
    "GET /v1/therapists/{slug}/availability": OWN_PROFILE,
    "PUT /v1/therapists/{slug}/availability": OWN_PROFILE.given({"weekly": [], "time_off": [LEAVE]}),
    "POST /v1/therapists/{slug}/slots/preview": OWN_PROFILE.given({"type": "session", "weekly": []}),
    "POST /v1/therapists/{slug}/leaves": OWN_PROFILE.given({"starts_at": START, "ends_at": "2026-03-20T15:00:00Z"}),
    "GET /v1/therapists/{slug}/leaves": OWN_PROFILE,
    "GET /v1/therapists/{slug}/leaves/{leave_id}": OWN_PROFILE,
    "DELETE /v1/therapists/{slug}/leaves/{leave_id}": OWN_PROFILE,
    "GET /v1/therapists/{slug}/calendars": OWN_CALENDARS,
    "POST /v1/therapists/{slug}/calendars": OWN_CALENDARS.given(
        {"kind": "ics", "address": "https://cal.example/a.ics"}
    ),
    "DELETE /v1/therapists/{slug}/calendars/{calendar_id}": OWN_CALENDARS,
    "POST /v1/therapists/{slug}/calendars/{calendar_id}/read": OWN_CALENDARS,
    "POST /v1/therapists/{slug}/calendars/{calendar_id}/connect": OWN_CALENDARS,
    "POST /v1/calendar-connections": Line(let_in="ana ben admin").given({"state": "s", "code": "c"}),
    "GET /v1/therapists/{slug}/busy": replace(OWN_PROFILE, query="from=2026-03-02&to=2026-03-08"),
    "GET /v1/therapists/{slug}/slots": replace(ANYBODY, query="type=session"),
    "POST /v1/therapists/{slug}/holds": OR_SITE.given({"type": "session", "starts_at": START}),
    "GET /v1/holds/{hold_id}": OR_SITE,
    "DELETE /v1/holds/{hold_id}": OR_SITE,  # whoever has the id owns it
    "GET /v1/therapists/{slug}/waitlist": PRACTICE,
    "POST /v1/therapists/{slug}/waitlist": BOOKING.given(
        {"client_id": "{client_id}", "type": "session", "from": "2026-03-05", "to": "2026-03-20"}
    ),
    "GET /v1/clients/{client_id}/waitlist": BOOKING,
    "DELETE /v1/waitlist/{place_id}": BOOKING,
    "POST /v1/therapists/{slug}/feed": OWN_FEED,
    "GET /v1/therapists/{slug}/feed": OWN_FEED,
    "DELETE /v1/therapists/{slug}/feed": OWN_FEED,
    "GET /v1/therapists/{slug}/feed/{secret}.ics": ANYBODY,  # the secret is the key
    "GET /v1/closures": ANYBODY,
    "POST /v1/closures": ADMIN.given({"closures": [{"date": "2030-12-25", "name": "Christmas Day"}]}),
    "GET /v1/closures/proposals": ADMIN,
    "DELETE /v1/closures/{closure_id}": ADMIN,
    "GET /v1/closures/{closure_id}/appointments": PRACTICE,
    # Clients
    "POST /v1/journeys": Line(let_in="site ana ben desk").given({"source": "care_team"}),
    "GET /v1/matching-form": ANYBODY,
    "PATCH /v1/matching-form": STAFF.given({}),
    "GET /v1/clients": KNOWN,
    "GET /v1/clients/{client_id}": BOOKING,
    "PATCH /v1/clients/{client_id}": BOOKING.given({"first_name": "Sara"}),
    "PUT /v1/clients/{client_id}/match": CARE_TEAM.given({"therapist": "ben", **WHY}),
    "POST /v1/clients/{client_id}/join": CARE_TEAM.given({"into": "{client_id}"}),
    "POST /v1/clients/{client_id}/activation": BOOKING,
    "POST /v1/clients/{client_id}/passes": PASSES,
    "GET /v1/clients/{client_id}/match": OF_PRACTICE,
    "POST /v1/clients/{client_id}/match/replay": OF_PRACTICE,
    "GET /v1/clients/{client_id}/journey": OF_PRACTICE,
    "GET /v1/clients/{client_id}/candidates": OF_PRACTICE,
    "POST /v1/clients/{client_id}/candidates": OF_PRACTICE.given(
        {"answers": {"state": "NY", "modality": "individual"}}
    ),
    "GET /v1/clients/{client_id}/timeline": OF_PRACTICE,
    "GET /v1/clients/{client_id}/timeline/verify": OF_PRACTICE,
    "GET /v1/clients/{client_id}/archive": OF_PRACTICE,
    "POST /v1/clients/{client_id}/archive": OF_PRACTICE,
    "POST /v1/clients/{client_id}/unarchive": OF_PRACTICE,
    "POST /v1/archives": PRACTICE.given({"client_ids": ["{client_id}"], "dry_run": True}),
    "GET /v1/archives": PRACTICE,
    "GET /v1/archives/{archive_id}": BULK,
    "POST /v1/group-moves": PRACTICE.given({"group": None, "client_ids": ["{client_id}"]}),
    "GET /v1/groups": PRACTICE,
    "POST /v1/groups": PRACTICE.given({"name": "New"}),
    "GET /v1/groups/{group_id}": PRACTICE,
    "PATCH /v1/groups/{group_id}": PRACTICE.given({"name": "Circle"}),
    # Appointments
    "GET /v1/clients/{client_id}/offers": BOOKING,
    "POST /v1/clients/{client_id}/appointments": BOOKING.given(
        {"type": "session", "starts_at": START, "mode": "video"}
    ),
    "GET /v1/appointments": OR_PASS,
    "GET /v1/appointments/{appointment_id}": BOOKING,
    "GET /v1/appointments/{appointment_id}/calendar.ics": BOOKING,
    "POST /v1/appointments/{appointment_id}/cancel": BOOKING.given(WHY),
    "POST /v1/appointments/{appointment_id}/reschedule": BOOKING.given({"starts_at": START, **WHY}),
    "POST /v1/appointments/{appointment_id}/outcome": OF_PRACTICE.given({"outcome": "occurred"}),
    "DELETE /v1/appointments/{appointment_id}/outcome": OF_PRACTICE,
    "POST /v1/appointments/{appointment_id}/note": OF_THERAPIST.given({"text": "We spoke."}),
    "GET /v1/appointments/{appointment_id}/note": OPENED,
    "GET /v1/clients/{client_id}/notes": OPENED_TO_ADMINS,
    "PATCH /v1/notes/{note_id}": OF_THERAPIST.given({"text": "We spoke."}),
    # Forms
    "GET /v1/clients/{client_id}/forms": OF_CLIENT,
    "POST /v1/clients/{client_id}/forms": OF_PRACTICE.given({"kind": "{own_kind}"}),
    "GET /v1/clients/{client_id}/forms/{kind}": OF_CLIENT,
    "PUT /v1/clients/{client_id}/forms/{kind}": OF_CLIENT.given(
        {"answers": {"agrees": True}, "signature": "Sara Lind"}
    ),
    "POST /v1/clients/{client_id}/card-setup": OF_CLIENT,
    "PUT /v1/clients/{client_id}/forms/{kind}/draft": OF_CLIENT.given({"answers": {}}),
    "GET /v1/clients/{client_id}/forms/{kind}/draft": OF_CLIENT,
    "GET /v1/clients/{client_id}/forms/{kind}/signed.pdf": OF_CLIENT,
    "POST /v1/clients/{client_id}/uploads": OF_CLIENT.given({}),
    "GET /v1/clients/{client_id}/uploads/{upload_id}/content": OF_CLIENT,
    "GET /v1/clients/{client_id}/card": OF_CLIENT,
    "POST /v1/form-templates": OR_ADMIN.given({}),
    "GET /v1/form-templates": OR_ADMIN,
    "GET /v1/form-templates/{kind}": OR_ADMIN,
    "GET /v1/texts": ANYBODY,
    "GET /v1/texts/{kind}": ANYBODY,
    "GET /v1/text-drafts": ADMIN,
    "PUT /v1/texts/{kind}": ADMIN.given({"title": "Consent"}),
    "POST /v1/texts/{kind}/preview": ADMIN,
    "POST /v1/texts/{kind}/publish": ADMIN.given({}),
    # Money
    "GET /v1/clients/{client_id}/payments": OF_CLIENT,
    "GET /v1/clients/{client_id}/balance": OF_CLIENT,
    "GET /v1/clients/{client_id}/credits": OF_CLIENT,
    "POST /v1/clients/{client_id}/credits": OF_PRACTICE.given({"amount": 1, "currency": "USD", **WHY}),
    "GET /v1/clients/{client_id}/statement.pdf": replace(OF_CLIENT, query="from=2026-01-01&to=2026-12-31"),
    "GET /v1/payments/{payment_id}/receipt.pdf": OF_CLIENT,
    "GET /v1/payments": PRACTICE,
    "GET /v1/payments/totals": STAFF,
    "GET /v1/reports": STAFF,
    "GET /v1/exceptions": STAFF,
    "GET /v1/problems": ANYBODY,
    "GET /v1/problems/{name}": ANYBODY,
    "GET /v1/settings": STAFF,
    "GET /v1/payments/{payment_id}": OF_CLIENT,
    "POST /v1/payments/{payment_id}/confirmation": OF_CLIENT,
    "POST /v1/payments/{payment_id}/refund": OF_PRACTICE.given({"to": "card", **WHY}),
    "GET /v1/payments/{payment_id}/refunds": OF_PRACTICE,
    "POST /v1/payments/{payment_id}/waive": OF_PRACTICE.given(WHY),
    "GET /v1/approvals": PRACTICE,
    "POST /v1/approvals/{approval_id}/approve": BY_THE_CARE_TEAM,
    "POST /v1/approvals/{approval_id}/refuse": OF_PRACTICE,
    "POST /v1/payments/{payment_id}/write-off": OF_PRACTICE.given(WHY),
    "POST /v1/payments/{payment_id}/retry": OF_PRACTICE,
    "POST /v1/reconciliations": CARE_TEAM,
    "GET /v1/reconciliations": CARE_TEAM,
    "GET /v1/reconciliations/{id}": CARE_TEAM,
    "POST /v1/keepings": CARE_TEAM,
    "GET /v1/keepings": CARE_TEAM,
    "GET /v1/keepings/{keeping_id}": CARE_TEAM,
    # Care between sessions
    "POST /v1/clients/{client_id}/goals": OF_THERAPIST.given({"text": "Walk"}),
    "GET /v1/clients/{client_id}/goals": OPENED,
    "PATCH /v1/goals/{goal_id}": SET_GOALS.given({"status": "completed"}),
    "POST /v1/documents": PRACTICE,
    "GET /v1/documents": PRACTICE,
    "GET /v1/documents/{document_id}": OPENED,
    "GET /v1/documents/{document_id}/content": OPENED,
    "POST /v1/documents/{document_id}/shares": replace(OF_THERAPIST, closed="desk").given({"client_id": "{client_id}"}),
    "DELETE /v1/documents/{document_id}/shares/{client_id}": OF_PRACTICE,
    "GET /v1/clients/{client_id}/documents": OPENED,
    "GET /v1/notifications": THERAPISTS,
    "POST /v1/notifications/{notification_id}/read": OF_THERAPIST,
    "POST /v1/notifications/read": THERAPISTS,
    "POST /v1/chats": OF_CLIENT.given({"kind": "direct", "members": ["{client_id}"]}),
    "GET /v1/chats": KNOWN,
    "GET /v1/chats/{chat_id}": READ_DIRECT_CHAT,
    "GET /v1/chats/{chat_id}/messages": READ_DIRECT_CHAT,
    "POST /v1/chats/{chat_id}/messages": DIRECT_CHAT.given({"text": "Hello"}),
    "POST /v1/chats/{chat_id}/read": DIRECT_CHAT.given({}),
    "POST /v1/chats/{chat_id}/members": replace(OF_PRACTICE, missing="tom ben").given({"client_id": "{client_id}"}),
    "DELETE /v1/chats/{chat_id}/members/{member_id}": GROUP_CHAT,
    "POST /v1/blasts": PRACTICE.given({"text": "Hello", "client_ids": ["{client_id}"]}),
    "GET /v1/tasks": STAFF,  # an admin sees those about texts alone
    "GET /v1/tasks/{task_id}": Line(let_in="desk", missing="admin"),
    "POST /v1/tasks/{task_id}/resolve": Line(let_in="desk", missing="admin").given({"note": "Done."}),
}

CHATS: dict[ChatKind, Line] = {
    ChatKind.DIRECT: DIRECT_CHAT,
    ChatKind.CARE_TEAM: Line(let_in="sara desk", missing="tom ana ben"),
    ChatKind.GROUP: GROUP_CHAT,
    ChatKind.COMMUNITY: Line(let_in="sara ana ben desk", missing="tom"),  # every therapist's
    ChatKind.STAFF: Line(let_in="ana desk", missing="sara tom ben"),
}


class AwayEngine(ToldEngine):
    """Whoever is let in finds nobody there: refusals come before."""

    async def _away(self, *_: Any, **__: Any) -> NoReturn:
        raise EngineUnavailable

    start = update = signal = wake_line = reconcile = archive_many = keep = _away


@pytest.fixture
def engine() -> ToldEngine:
    return AwayEngine()


@dataclass
class Walk:
    api: httpx.AsyncClient
    people: Callers
    world: Everything

    async def ask(self, who: str, call: str, line: Line, ids: dict[str, str]) -> httpx.Response:
        method, path = call.split()
        ids = ids | {"kind": ids["own_kind"] if "templates" in path else "informed_consent", "token": "unknown"}
        ids["name"] = "slot-taken"  # of a problem
        body = None
        if line.body is not None:
            body = json.loads(re.sub(r"\{(\w+)\}", lambda found: ids.get(found[1], found[0]), json.dumps(line.body)))
        path = path.format(**ids) + (f"?{line.query}" if line.query else "")
        answer = await self.api.request(method, path, json=body, headers=self.people.headers.get(who, {}))
        assert answer.status_code != 500, (who, call, answer.text)
        return answer

    async def goes(self, call: str, line: Line, *, ids: dict[str, str]) -> None:
        """Walk one call as everybody: those who are not let in first."""
        ghost = self.world.ghost() | {"slug": ids["slug"], "secret": ids["secret"]}
        let_in, missing = line.opens, line.hides
        for who in ALL:
            if who in let_in:
                continue
            answer = await self.ask(who, call, line, ids)
            if who in missing:
                assert problem_of(answer) == "not-found", (who, call, answer.text)
                if who == missing[0]:
                    assert said_of(answer) == said_of(await self.ask(who, call, line, ghost)), (who, call)
            elif who in line.shuts:
                assert problem_of(answer) == "opening-required", (who, call, answer.text)
            else:
                name = "unauthenticated" if who == "nobody" else "not-allowed"
                assert problem_of(answer) == name, (who, call, answer.text)
        if ID.search(call) and let_in:
            not_there = await self.ask(let_in[-1], call, line, ghost)
            assert not_there.status_code == 404, (call, not_there.text)
        if call in _GONE_AFTER:
            let_in = let_in[:1]
        for who in let_in:
            answer = await self.ask(who, call, line, ids)
            assert (answer.status_code in (401, 403, 404)) is ("unsubscribe" in call), (who, call, answer.text)


# What a call takes away, the first takes away who may.
_ENDS_WHO_ASKS = {
    "DELETE /v1/sessions",
    "DELETE /v1/sessions/current",
    "DELETE /v1/sessions/{session_id}",
    "POST /v1/clients/{client_id}/passes",
}
_GONE_AFTER = {call for call in CALLS if call.startswith("DELETE")}


@pytest.fixture
async def walk(
    bare_api: httpx.AsyncClient, engine: ToldEngine, rows: Rows, therapist_token: Callable[[str], Any]
) -> Walk:
    people = await everybody(rows, therapist_token)
    fay, before = await rows.therapist("fay"), NOW - timedelta(days=30)
    people.headers["former"] = await therapist_token("fay")
    own = await rows.appointment(people.sara, fay, status=AppointmentStatus.OCCURRED, starts_at=before)
    await rows.payment(own)
    await rows.add(
        TextDraft(
            kind="informed_consent", id=own.id, title="Consent", body="", fields=[], made_by="admin:root", made_at=NOW
        )
    )
    return Walk(bare_api, people, await one_of_everything(rows, people))


def described(app: FastAPI) -> set[str]:
    return {f"{method.upper()} {path}" for path, methods in app.openapi()["paths"].items() for method in methods}


def test_every_call_has_its_line(app: FastAPI) -> None:
    assert described(app) == CALLS.keys()


@pytest.mark.parametrize("methods", [("GET",), ("POST",), ("PUT", "PATCH", "DELETE")], ids=" ".join)
async def test_every_call_as_every_role(walk: Walk, rows: Rows, methods: tuple[str, ...]) -> None:
    olga = await rows.staff("olga", Role.CARE_TEAM)
    nora = await rows.client(walk.people.ana, account_active=True)
    await rows.account(nora)
    calls = [call for call in CALLS if call.startswith(methods)]
    for call in sorted(calls, key=lambda call: (call.startswith("DELETE"), call in _ENDS_WHO_ASKS)):
        ids = walk.world.ids
        if "/members" in call:
            ids = ids | {"chat_id": walk.world.chats["group"]}
        if call == "DELETE /v1/clients/{client_id}/second-factors":
            ids = ids | {"client_id": str(walk.people.tom.id)}  # who has none: Sara would be signed out by it
        if call.endswith("/lock"):  # of somebody who does not ask
            ids = ids | {"client_id": str(nora.id), "staff_id": str(olga.id)}
        await walk.goes(call, CALLS[call], ids=ids)


async def test_every_kind_of_chat_as_every_role(walk: Walk) -> None:
    for kind, usual in CHATS.items():
        ids = walk.world.ids | {"chat_id": walk.world.chats[kind.value]}
        for call in ("GET /v1/chats/{chat_id}", "GET /v1/chats/{chat_id}/messages", "POST /v1/chats/{chat_id}/read"):
            reads = kind is ChatKind.DIRECT and call.startswith("GET")
            line = READ_DIRECT_CHAT if reads else usual
            await walk.goes(call, line.given({} if call.startswith("POST") else None), ids=ids)


_NOT_THEIRS = {"slug", "group_id", "task_id", "id", "keeping_id", "closure_id", "own_kind", "secret", "hold_id"}


async def test_no_list_shows_what_is_anothers(walk: Walk) -> None:
    chats = {id for kind, id in walk.world.chats.items() if kind != ChatKind.COMMUNITY}
    sara = {id for name, id in walk.world.ids.items() if name not in _NOT_THEIRS} | chats
    for call, line in CALLS.items():
        if not call.startswith("GET") or ID.search(call) or "secret" in call:
            continue
        for who in ("tom", "ben", "tom-pass"):
            if who in line.opens:
                answer = await walk.ask(who, call, line, walk.world.ids)
                assert not [id for id in sara if id in answer.text], (who, call)


async def test_a_former_therapist_sees_their_own_appointments_and_whose_they_were(walk: Walk) -> None:
    sara, former = walk.people.sara, walk.people.by("former")
    [seen] = (await walk.api.get("/v1/appointments", headers=former)).json()["items"]
    whose = {"ref": sara.ref, "name": sara.full_name}
    assert (seen["therapist"], seen["client_id"], seen["client"]) == ("fay", str(sara.id), whose)
    one = f"/v1/appointments/{seen['id']}"
    assert (await walk.api.get(one, headers=former)).json() == seen
    assert (await walk.api.get(f"{one}/calendar.ics", headers=former)).status_code == 200
    [paid] = (await walk.api.get("/v1/payments", headers=former)).json()["items"]
    assert paid["appointment_id"] == seen["id"]
    for who in ("ana", "desk"):
        assert (await walk.api.get(one, headers=walk.people.by(who))).json()["client"] == whose
    assert "client" not in (await walk.api.get(one, headers=walk.people.by("sara"))).json()


_WITH_THEIR_OWN = ("GET /v1/appointments", "GET /v1/payments")


async def test_no_list_shows_a_former_therapist_anything_else(walk: Walk) -> None:
    chats = {id for kind, id in walk.world.chats.items() if kind != ChatKind.COMMUNITY}
    sara = {id for name, id in walk.world.ids.items() if name not in _NOT_THEIRS} | chats
    for call, line in CALLS.items():
        if call.startswith("GET") and not ID.search(call) and "secret" not in call and "former" in line.opens:
            answer = await walk.ask("former", call, line, walk.world.ids)
            theirs = {str(walk.people.sara.id)} if call in _WITH_THEIR_OWN else set()
            assert not [id for id in sara - theirs if id in answer.text], call


async def test_another_s_client_in_a_body_is_as_unknown_as_nobody(walk: Walk, rows: Rows) -> None:
    ben = walk.people.ben
    made: Any = {"made_by": "therapist:ben", "made_at": NOW}
    document = Document(
        id=uuid4(), therapist_id=ben.id, title="His", filename="his.txt", content_type="text/plain", size=1,
        sha256="0" * 64, uploaded_by="therapist:ben", uploaded_at=NOW,
    )  # fmt: skip
    chat = Chat(id=uuid4(), kind=ChatKind.GROUP, title="His", therapist_id=ben.id, **made)
    group = ClientGroup(id=uuid4(), name="Empty", name_folded="empty", **made)
    await rows.add(document, chat, group)
    ids = walk.world.ids | {"document_id": str(document.id), "chat_id": str(chat.id)}
    for call, body in (
        ("POST /v1/archives", {"client_ids": ["{client_id}"], "dry_run": True}),
        ("POST /v1/archives", {"client_ids": ["{client_id}"]}),
        ("POST /v1/group-moves", {"group": None, "client_ids": ["{client_id}"]}),
        ("POST /v1/blasts", {"text": "Hello", "client_ids": ["{client_id}"]}),
        ("POST /v1/chats", {"kind": "direct", "members": ["{client_id}"]}),
        ("POST /v1/chats", {"kind": "group", "title": "New", "members": ["{client_id}"]}),
        ("POST /v1/chats/{chat_id}/members", {"client_id": "{client_id}"}),
        ("POST /v1/documents/{document_id}/shares", {"client_id": "{client_id}"}),
        ("DELETE /v1/documents/{document_id}/shares/{client_id}", None),
    ):
        unknown = str(uuid4())
        for who in ("ben", "former"):
            seen = await walk.ask(who, call, KNOWN.given(body), ids)
            not_there = await walk.ask(who, call, KNOWN.given(body), ids | {"client_id": unknown})
            assert seen.status_code == not_there.status_code, (who, call, seen.text)
            assert said_of(seen).replace(ids["client_id"], "?") == said_of(not_there).replace(unknown, "?"), (who, call)
            assert seen.status_code in (404, 422), (who, call, seen.text)
