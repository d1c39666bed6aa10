"""An engine that has no workflows: what a journey would have asked of its steps is done at once, on the database."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, fields
from typing import Any
from uuid import UUID

from activities.base import Dependencies
from activities.registry import build
from activities.types.archive import ArchiveOrder, UnarchiveOrder
from activities.types.clients import NewJourney, Opened
from activities.types.keeping import KeepingOrder
from activities.types.reconciliation import ReconciliationOrder
from api.engine import Gone
from api.problems import Refused
from tests.api.conftest import ToldEngine
from workflows.messages import ARCHIVE, UNARCHIVE, Update

# Of most messages the step has the name. A signal that is not here sets only mails and timers going.
_STEP = {
    "begin": "open_journey",
    "activate": "activate_account",
    "cancel": "cancel_appointment",
    "reschedule": "reschedule_appointment",
    "refund": "begin_refund",
    "join": "join_records",
}
_ARCHIVING: dict[str, tuple[str, type]] = {
    ARCHIVE: ("archive_client", ArchiveOrder),
    UNARCHIVE: ("unarchive_client", UnarchiveOrder),
}


@dataclass
class StepsAtOnce(ToldEngine):
    steps: dict[str, Callable[..., Awaitable[Any]]] = field(default_factory=dict)

    @classmethod
    def over(cls, dependencies: Dependencies) -> "StepsAtOnce":
        return cls(steps={step.__name__: step for step in build(dependencies)})

    async def start(self, new: NewJourney, *, epoch: UUID | None = None) -> Opened:
        opened = await self._step("begin", new)
        assert isinstance(opened, Opened)
        return opened

    async def update(self, workflow_id: str, update: Update[Any, Any], order: Any, *, request_id: UUID | str) -> Any:
        return await self._step(update.name.removeprefix("system."), order)

    async def signal(self, workflow_id: str, name: str, argument: object = None) -> Gone | None:
        if name in _ARCHIVING:
            step, order = _ARCHIVING[name]
            given = {each.name: getattr(argument, each.name) for each in fields(order) if hasattr(argument, each.name)}
            await self.steps[step](order(client_id=workflow_id.rpartition(":")[2], **given))
        return None

    async def wake_line(self, therapist: str) -> None: ...

    async def reconcile(self, order: ReconciliationOrder) -> None: ...

    async def archive_many(self, archive_id: UUID, *, clients: int, asked_by: str) -> None: ...

    async def keep(self, order: KeepingOrder) -> None: ...

    async def _step(self, name: str, order: Any) -> Any:
        answer = await self.steps[_STEP.get(name, name)](order)
        if answer.refusal is not None:
            raise Refused(answer.refusal)
        return answer
