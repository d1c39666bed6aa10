"""What must be true at the end, looked up where it counts: in the rows, at Stripe, in the mailboxes, in the engine."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from chaos.callers import DESK, ApiClient
from chaos.journeys import FEE, ClientStory, Ending, therapist_email
from rules.mail.kinds import Mail, kind_of
from rules.money.payment_states import PENDING, UNPAID
from workflows.messages import appointment_workflow_id, journey_id

_AT_ONCE = 20
_SOON = timedelta(minutes=5)  # what is to be sent only later than that was not put off by the storm
_SHOWN = 5  # of those that broke a promise


@dataclass(frozen=True, kw_only=True)
class Promise:
    """``found`` says it in figures; ``broken`` names what breaks it, and is empty where it is kept."""

    name: str
    found: str
    broken: tuple[str, ...] = ()

    @property
    def kept(self) -> bool:
        return not self.broken


def promise(name: str, found: str, broken: Iterable[str]) -> Promise:
    return Promise(name=name, found=found, broken=tuple(broken))


@dataclass(frozen=True, kw_only=True)
class World:
    """Where to look."""

    stories: Sequence[ClientStory]
    caller: ApiClient
    database: AsyncEngine
    engine: Client
    sandbox_url: str

    async def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        async with self.database.connect() as connection:
            return [dict(row) for row in (await connection.execute(text(statement), values)).mappings()]

    async def at_stand_ins(self, path: str) -> Any:
        answer = await self.caller.http.get(f"{self.sandbox_url}/{path}")
        answer.raise_for_status()
        return answer.json()


async def reckon(world: World) -> list[Promise]:
    """Every promise, kept or not."""
    found = [answered(world.stories)]
    found += await money(world)
    found.append(await deadlines(world))
    found.append(await ledger(world))
    found += await mails(world)
    found.append(await workflows(world))
    return found


# ---------------------------------------------------------------- callers


def answered(stories: Sequence[ClientStory]) -> Promise:
    told = [f"{story.name}: {story.broke or 'is still asking'}" for story in stories if not story.ended]
    return promise("Everybody was answered, as if nothing had been", f"{len(stories) - len(told)} journeys", told)


# ---------------------------------------------------------------- money


async def money(world: World) -> list[Promise]:
    state = await world.at_stand_ins("stripe/_state")
    paid_at_stripe: dict[str, list[int]] = defaultdict(list)
    for intent in state["payment_intents"]:
        if intent["status"] == "succeeded":
            paid_at_stripe[intent["metadata"]["payment_id"]].append(intent["amount"])
    rows = await world.rows("SELECT id, appointment_id, status, amount FROM payment")
    by_appointment = {str(row["appointment_id"]): row for row in rows}

    wrong, held = [], [story for story in world.stories if story.ending.is_charged and story.ended]
    for story in held:
        row = by_appointment.get(story.appointment_id)
        status, taken = (row["status"], paid_at_stripe.get(str(row["id"]), [])) if row else ("no payment", [])
        if status != "paid" or taken != [FEE]:
            wrong.append(
                f"{story.name}: {status}, and at Stripe {taken or 'nothing'} (appointment {story.appointment_id})"
            )
    others = {str(row["id"]) for row in rows if row["status"] != "paid"}
    ids = {str(row["id"]) for row in rows}
    strange = [
        f"payment {id}: {taken} at Stripe" for id, taken in paid_at_stripe.items() if id in others or id not in ids
    ]
    strange += [f"{story.name}: cancelled, and yet {row['status']}" for story, row in _cancelled(world, by_appointment)]
    total = sum(map(sum, paid_at_stripe.values()))
    ledger = sum(row["amount"] for row in rows if row["status"] == "paid")
    if total != ledger:
        strange.append(f"{total} at Stripe, {ledger} in the ledger")
    return [
        promise("Every session that was held is paid exactly once", f"{len(held) - len(wrong)} of {len(held)}", wrong),
        promise("Nothing else was charged", f"{total / 100:.2f} USD at Stripe and in the ledger", strange),
    ]


def _cancelled(world: World, by_appointment: dict[str, dict[str, Any]]) -> Iterable[tuple[ClientStory, dict[str, Any]]]:
    for story in world.stories:
        row = by_appointment.get(story.appointment_id)
        if story.ending is Ending.CANCELLED and row is not None and row["status"] != "cancelled":
            yield story, row


async def deadlines(world: World) -> Promise:
    """What was declined to the end is owed, what is past its deadline is late: both need a person, who is told."""
    unpaid = await world.rows(
        "SELECT p.id, p.status, count(t.id) AS tasks FROM payment p"
        " LEFT JOIN task t ON t.client_id = p.client_id AND t.data ->> 'payment_id' = p.id::text"
        " WHERE p.status = ANY(:unpaid) AND (p.deadline < :now OR p.status = 'owed') GROUP BY p.id",
        unpaid=[status.value for status in UNPAID],
        now=datetime.now(UTC),
    )
    silent = [f"payment {row['id']} is {row['status']}, and no task says so" for row in unpaid if not row["tasks"]]
    declined = [story for story in world.stories if story.ending is Ending.CARD_DECLINES and story.ended]
    if len(unpaid) < len(declined):
        silent.append(f"{len(declined)} cards were declined, and {len(unpaid)} payments are owed")
    return promise("Nothing is unpaid for good without a task", f"{len(unpaid)} owed, {len(declined)} declined", silent)


async def ledger(world: World) -> Promise:
    """The product's own comparison, until it is through."""
    comparison = await world.caller.done("POST", "/v1/reconciliations", {}, by=DESK)
    async with asyncio.timeout(60):
        while comparison["status"] != "finished":
            await asyncio.sleep(0.5)
            comparison = await world.caller.done("GET", f"/v1/reconciliations/{comparison['id']}", by=DESK)
    found = f"{comparison['compared'].get('payments', 0)} payments, {len(comparison['healed'])} healed"
    return promise("The ledger equals Stripe", found, [each["text"] for each in comparison["differences"]])


# ---------------------------------------------------------------- mails


async def mails(world: World) -> list[Promise]:
    """Those that must not be lost arrived; those that must rather not come twice did not."""
    sent = Counter(
        (mail["to"], mail["template"], mail["custom_args"]["key"]) for mail in await world.at_stand_ins("outbox")
    )
    arrived = Counter((to, template) for to, template, _ in sent)
    rows = await world.rows("SELECT client_id, template FROM outbox WHERE status = 'not_wanted'")
    dropped = {(str(row["client_id"]), row["template"]) for row in rows}
    wanted = Counter(pair for story in world.stories if story.ended for pair in _wanted(story, dropped))
    lost = [f"{template} to {to}" for (to, template), number in wanted.items() if arrived[to, template] < number]
    vital, others, twice = 0, 0, []
    for (to, template, key), number in sent.items():
        if kind_of(template).vital:
            vital += number - 1
        else:
            others += number - 1
            twice += [f"{template} to {to} ({key}): {number} times"] if number > 1 else []
    return [
        promise("No vital mail was lost", f"{wanted.total()} wanted, {vital} came twice", lost),
        promise("No other mail came twice", f"{sent.total()} mails in all", twice),
    ]


def _wanted(story: ClientStory, dropped: AbstractSet[tuple[str, str]]) -> list[tuple[str, str]]:
    """Whom what must have reached.

    The last word about an appointment that was cancelled is its cancellation. When and where it will be may be
    ``dropped`` (by client and template): it had taken place before the mail could be sent.
    """
    client, therapist = story.email, therapist_email(story.therapist)
    told = {
        Ending.OCCURRED: [(client, Mail.RECEIPT)],
        Ending.NO_SHOW: [(client, Mail.RECEIPT)],
        Ending.CARD_DECLINES: [(client, Mail.PAYMENT_FAILED)],
        Ending.CANCELLED: [(client, Mail.APPOINTMENT_CANCELLED), (therapist, Mail.APPOINTMENT_CHANGED)],
    }[story.ending]
    if story.ending is not Ending.CANCELLED:
        told += [(client, Mail.BOOKING_CONFIRMATION), (therapist, Mail.APPOINTMENT_BOOKED)]
    return [
        (to, mail.value)
        for to, mail in [(client, Mail.WELCOME), *told]
        if not (kind_of(mail).tells_times and (story.client_id, mail.value) in dropped)
    ]


# ---------------------------------------------------------------- workflows


async def workflows(world: World) -> Promise:
    """Whatever must run runs, and its workflow tasks do not fail."""
    clients = await world.rows("SELECT id FROM client WHERE closed_at IS NULL")
    appointments = await world.rows(
        "SELECT a.id FROM appointment a LEFT JOIN payment p ON p.appointment_id = a.id"
        " WHERE a.status = 'scheduled' OR p.status = ANY(:pending)",
        pending=[status.value for status in PENDING],
    )
    wanted = [journey_id(str(row["id"])) for row in clients]
    wanted += [appointment_workflow_id(str(row["id"])) for row in appointments]
    running = [flow.id async for flow in world.engine.list_workflows("ExecutionStatus = 'Running'")]
    free = asyncio.Semaphore(_AT_ONCE)

    async def look(id: str) -> str:
        async with free:
            try:
                told = await world.engine.get_workflow_handle(id).describe()
            except RPCError as error:
                return f"{id}: {error.status.name.lower()}"
        if told.status is not WorkflowExecutionStatus.RUNNING:
            return f"{id}: {told.status.name.lower() if told.status else 'no status'}" if id in wanted else ""
        task = told.raw_description.pending_workflow_task
        return f"{id}: its workflow task was tried {task.attempt} times" if task.attempt > 1 else ""

    looked = await asyncio.gather(*(look(id) for id in {*wanted, *running}))
    return promise("No workflow is stuck or missing", f"{len(looked)} looked at", filter(None, looked))


def shown(broken: Sequence[str]) -> list[str]:
    """The first few, and how many more."""
    rest = len(broken) - _SHOWN
    return [*broken[:_SHOWN], *([f"... and {rest} more"] if rest > 0 else [])]


async def tasks_by_kind(world: World) -> Counter[str]:
    rows = await world.rows("SELECT kind, count(*) AS number FROM task WHERE resolved_at IS NULL GROUP BY kind")
    return Counter({row["kind"]: row["number"] for row in rows})


async def resumed_by_reason(world: World) -> Counter[str]:
    rows = await world.rows("SELECT because, count(*) AS number FROM resumption GROUP BY because")
    return Counter({row["because"]: row["number"] for row in rows})


async def is_at_rest(world: World) -> bool:
    """Whether nothing is under way: no payment, and nothing in the outbox."""
    pending = [state.value for state in PENDING]
    under_way = await world.rows(
        "SELECT 1 FROM payment WHERE status = ANY(:pending) UNION ALL"
        " SELECT 1 FROM outbox WHERE status IN ('waiting', 'claimed', 'sending') AND next_try_at < :soon LIMIT 1",
        pending=pending,
        soon=datetime.now(UTC) + _SOON,
    )
    return not under_way
