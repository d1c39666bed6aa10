"""The least that a workflow can be: one step, and then it waits."""

from datetime import timedelta

from temporalio import activity, workflow

_done: list[str] = []


def done() -> int:
    """How many steps were."""
    return len(_done)


@activity.defn(name="nothing")
async def nothing(workflow_id: str) -> None:
    _done.append(workflow_id)


@workflow.defn(name="OneStep")
class OneStep:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_local_activity(
            "nothing", workflow.info().workflow_id, start_to_close_timeout=timedelta(seconds=10)
        )
        await workflow.wait_condition(lambda: False)
