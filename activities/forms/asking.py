"""Form requests for new versions: whoever has an older version is asked again, once for each version."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.base import Activities, derived_id
from activities.types.clients import Done
from activities.types.forms import GateOrder
from models.reads.forms.requests import ASKED_AGAIN, FormsOf, forms_by_client
from models.reads.forms.texts import newest_versions
from models.reads.journey import facts_before_and_at, journey_facts, project
from models.tables.clients.client import Client
from models.tables.forms.form import FormRequest
from models.writes.locks import lock_client
from models.writes.outbox import client_mail, order_mails
from models.writes.timeline import tell
from rules.accounts.caller import SYSTEM
from rules.enums import ClientStatus
from rules.forms.asking import NewAsking, intake_to_ask, own_to_ask
from rules.mail.kinds import Mail
from rules.timeline import FactKind


class AskingActivities(Activities):
    @activity.defn
    async def request_new_versions(self, client_id: str) -> Done:
        """Ask an active client for what is there in a newer version."""
        now = await self.now()
        async with self.transaction() as session:
            client = await lock_client(session, UUID(client_id))
            if client.status is ClientStatus.ARCHIVED or client.closed_at is not None:
                return Done(facts=await journey_facts(session, client), changed=False)
            await ask_again(session, client, at=now, grace=self.deps.policy.form_grace)
            return Done(facts=await project(session, client))

    @activity.defn
    async def form_gates(self, order: GateOrder) -> Done:
        """The grace of a form that was asked for again has passed: tell it, so that stage and lists follow."""
        now = max(await self.now(), order.at)  # the timer's clock is the engine's
        async with self.transaction() as session:
            client = await lock_client(session, UUID(order.client_id))
            before, after = await facts_before_and_at(session, client, now=now)
            fresh = [kind for kind in after.outstanding_forms if kind not in before.outstanding_forms]
            if not fresh:
                return Done(facts=await project(session, client), changed=False)
            tell(
                session,
                client,
                FactKind.FORM_GATES,
                at=now,
                by=SYSTEM,
                text="Bookings by the client side wait for a form that was asked for again.",
                data={"forms": fresh},
            )
            return Done(facts=await project(session, client))


async def ask_again(
    session: AsyncSession, client: Client, *, at: datetime, grace: timedelta, first_booking: bool = False
) -> None:
    """Ask for what is missing, with a mail, inside the running transaction; the client's row is locked.

    With the first booking that is every intake form; before it, none.
    To whom the portal shows no forms nothing is sent, so nothing is asked for again: that waits for the next booking
    after the part was switched on.
    """
    forms = (await forms_by_client(session, [client.id]))[client.id]
    askings, intake, own = forms.askings(), list[NewAsking](), list[NewAsking]()
    if client.first_booked_at is not None:
        newest = await newest_versions(session, intake=True)
        intake = intake_to_ask(askings, newest=newest, first_booking=first_booking, at=at, grace=grace)
    if any(asking.complete and asking.kind not in forms.places for asking in askings):
        own = own_to_ask(askings, newest=await newest_versions(session, intake=False))
    first = [new for new in intake if first_booking and new.gates_from is None]
    if not client.portal_settings.get("forms", True):
        intake, own = first, []
    requested = [_request(client, forms, new, at=at, by=SYSTEM) for new in first]
    if requested:
        session.add_all(requested)
        tell(
            session,
            client,
            FactKind.FORMS_REQUESTED,
            at=at,
            by=SYSTEM,
            text="The intake forms were asked for.",
            data={
                "forms": [form.kind for form in requested],
                "asked": [{"form": form.kind, "version": form.version, "form_id": str(form.id)} for form in requested],
            },
        )
    mails = [client_mail(Mail.FORMS_REQUESTED, client, "first")] if first else []
    known = {asking.kind for asking in askings}
    together: dict[Mail, list[str]] = {Mail.FORM_NEW_VERSION: [], Mail.FORMS_REQUESTED: []}
    for new in (*intake, *own):
        if new in first:
            continue
        form = _request(client, forms, new, at=at, by=ASKED_AGAIN)
        session.add(form)
        _tell_again(session, client, form, at=at)
        if new in intake:
            together[Mail.FORM_NEW_VERSION if new.kind in known else Mail.FORMS_REQUESTED].append(str(form.id))
        else:
            # An unsubscribed client does not get this one: it is the practice's own, and has a mail of its own.
            mails.append(client_mail(Mail.FORM_NEW_VERSION, client, str(form.id), form_id=str(form.id)))
    mails += [client_mail(mail, client, at.isoformat(), form_ids=tuple(ids)) for mail, ids in together.items() if ids]
    await order_mails(session, mails, at=at)


def _request(client: Client, forms: FormsOf[FormRequest], new: NewAsking, *, at: datetime, by: str) -> FormRequest:
    """A row of its own, unless an open one of an older version moves to this one."""
    if new.instead:
        form = max((one for one in forms.requests if one.kind == new.kind), key=lambda one: (one.version, one.number))
        form.version, form.number = new.version, 1
        form.requested_at, form.requested_by, form.gates_from = at, by, new.gates_from
        return form
    made = first_request(client, new.kind, new.version, at=at)
    made.requested_by, made.gates_from = by, new.gates_from
    return made


def first_request(client: Client, kind: str, version: int, *, at: datetime) -> FormRequest:
    """The row of a version's first asking: one and the same, also where it is completed before anybody asked."""
    return FormRequest(
        id=derived_id(client.id, "form", kind, version),
        client_id=client.id,
        kind=kind,
        version=version,
        requested_at=at,
        requested_by=SYSTEM,
    )


def _tell_again(session: AsyncSession, client: Client, form: FormRequest, *, at: datetime) -> None:
    tell(
        session,
        client,
        FactKind.FORM_REQUESTED,
        at=at,
        by=SYSTEM,
        text="A form was asked for again, in a new version.",
        data={
            "form": form.kind,
            "version": form.version,
            "form_id": str(form.id),
            "gates_from": form.gates_from.isoformat() if form.gates_from else None,
        },
    )
