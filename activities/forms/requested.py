"""Forms that the practice has made: asking a client for one, and what the client answers."""

from uuid import UUID

from temporalio import activity

from activities.answers import AnsweredOnce
from activities.base import Activities, derived_id
from activities.forms.answering import check, complete
from activities.types.clients import Done
from activities.types.forms import FormAsking, FormCompletion
from activities.words import heard
from models.reads.forms.answerable import ToComplete
from models.reads.forms.requests import answer_to, asked_of
from models.reads.forms.texts import fee_policy_of, newest_text, text_of
from models.reads.journey import journey_facts, project
from models.tables.forms.form import FormRequest
from models.writes.locks import lock_client
from models.writes.outbox import client_mail, order_mails
from models.writes.timeline import tell
from rules.enums import ClientStatus, FormStatus
from rules.forms.intake import FEE_POLICY
from rules.mail.kinds import Mail
from rules.refusals import Problem, Refusal, invalid
from rules.timeline import FactKind

_NO_SUCH_FORM = Refusal(name=Problem.NOT_FOUND, detail="There is no such form.")
_ARCHIVED = Refusal(name=Problem.CLIENT_ARCHIVED, detail="This client is archived; make the client active first.")
_INTAKE = invalid("kind", "is an intake form: those are asked for with the first booking, and in new versions")
_ANSWERED = invalid("kind", "is complete already; the practice can ask for it again")

ASKED_FOR = AnsweredOnce("request_form", Done)
COMPLETED = AnsweredOnce("complete_form", Done)


class RequestedFormActivities(Activities):
    @activity.defn
    async def request_form(self, order: FormAsking) -> Done:
        """Ask for a form. One that is still open is not asked for twice: the answer is then that asking.

        ``document``: ``{"form_id"}``.
        """
        now = await self.now()
        async with self.transaction() as session:
            client = await lock_client(session, UUID(order.client_id))
            given = await ASKED_FOR.given(session, client, order)
            if given is not None:
                return given
            if client.status is ClientStatus.ARCHIVED:
                return Done(refusal=_ARCHIVED)
            template = await newest_text(session, order.kind)
            before = await asked_of(session, client.id, order.kind)
            still_open = [form for form in before if form.status is not FormStatus.COMPLETE]
            if still_open:
                document = {"form_id": str(still_open[-1].id)}
                stands = Done(facts=await journey_facts(session, client), changed=False, document=document)
                return ASKED_FOR.keep(session, client, order, stands, at=now)
            if template is None or template.kind == FEE_POLICY:
                return Done(refusal=invalid("kind", "there is no form of that kind"))
            if template.is_intake:
                return Done(refusal=_INTAKE)
            asked = FormRequest(
                id=derived_id(order.request_id, "form"),
                client_id=client.id,
                kind=template.kind,
                version=template.version,
                number=1 + sum(form.version == template.version for form in before),
                status=FormStatus.REQUESTED,
                requested_at=now,
                requested_by=order.by.actor,
            )
            session.add(asked)
            tell(
                session,
                client,
                FactKind.FORM_REQUESTED,
                at=now,
                by=order.by.actor,
                text="A form was asked for.",
                data={
                    "form": asked.kind,
                    "version": asked.version,
                    "form_id": str(asked.id),
                    "request_id": order.request_id,
                },
            )
            mail = client_mail(Mail.FORMS_REQUESTED, client, str(asked.id), form_id=str(asked.id))
            await order_mails(session, [mail], at=now)
            done = Done(facts=await project(session, client), document={"form_id": str(asked.id)})
            return ASKED_FOR.keep(session, client, order, done, at=now)

    @activity.defn
    async def complete_form(self, order: FormCompletion) -> Done:
        """Complete a form, by the version that was asked for. The same answers again change nothing."""
        now = await self.now()
        async with self.transaction() as session:
            client = await lock_client(session, UUID(order.client_id))
            given = await COMPLETED.given(session, client, order)
            if given is not None:
                return given
            order = await heard(session, order, about=client.id)
            form = await session.get(FormRequest, UUID(order.form_id))
            template = await text_of(session, kind=form.kind, version=form.version) if form else None
            if form is None or form.client_id != client.id or template is None or template.is_intake:
                return Done(refusal=_NO_SUCH_FORM)
            if form.status is FormStatus.COMPLETE:
                said = await answer_to(session, form.id)
                if said is None or (said.answers, said.signature) != (order.answers, order.signature):
                    return Done(refusal=_ANSWERED)
                stands = Done(facts=await journey_facts(session, client), changed=False)
                return COMPLETED.keep(session, client, order, stands, at=now)
            checked = await check(session, client, template, order)
            if checked.refusal is not None:
                return Done(refusal=checked.refusal)
            policy = await fee_policy_of(session, template)
            asked = ToComplete(form=form, template=template, policy=policy)
            document = await complete(session, client, asked, order, files=checked.files, at=now, deps=self.deps)
            done = Done(facts=await project(session, client), document=document)
            return COMPLETED.keep(session, client, order, done, at=now)
