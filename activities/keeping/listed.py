"""What runs, as the engine lists it: asked for once a kind and step, and read beside the pages of rows."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from activities.types.keeping import Place
from rules.keeping import Kept

if TYPE_CHECKING:
    from engine.executions import Execution, Executions


class Listing:
    """For one step: what has begun since is found to run when the suspicion is confirmed."""

    def __init__(self, executions: "Executions") -> None:
        self._executions = executions
        self._of: dict[Kept, dict[str, Execution] | None] = {}

    async def running(self, place: Place, *, until: str | None, keys: Collection[str]) -> "dict[str, Execution]":
        """Those of the place's kind that run, by key: from behind the place up to ``until`` (None: to the end), in the
        order of bytes, as the rows come. Where nothing can be listed: those of ``keys``."""
        kind = place.kind
        if kind not in self._of:
            self._of[kind] = await self._executions.running(kind.value)
        listed = self._of[kind]
        if listed is None:
            found = await self._executions.look_at_all(kind.id_of(key) for key in keys)
            runs = {key: found[kind.id_of(key)] for key in keys}
            return {key: execution for key, execution in runs.items() if execution and execution.runs}
        return {key: each for key, each in listed.items() if key > place.after and (until is None or key <= until)}
