"""What a story does when one of its steps cannot be done: a person is asked, and the story goes on."""

from datetime import timedelta

from temporalio import exceptions, workflow

from workflows import steps
from workflows.parts.wait import Wait

with workflow.unsafe.imports_passed_through():
    from activities.types.clients import TaskOrder
    from rules.enums import TaskKind

_LOOK_AGAIN = timedelta(hours=1)  # a mended program may be there by then


async def stumble(
    error: exceptions.ActivityError, wait: Wait, *, client_id: str, appointment_id: str | None = None
) -> None:
    """One task for each step of this workflow that cannot be done. Then whatever comes next, or the same step after an
    hour: it may have been mended."""
    if exceptions.is_cancelled_exception(error):
        raise error
    workflow.logger.error("the step %s cannot be done", error.activity_type, exc_info=error)
    order = TaskOrder(
        key=f"step_failed:{workflow.info().workflow_id}:{error.activity_type}",
        client_id=client_id,
        kind=TaskKind.STEP_FAILED,
        text=f"The step `{error.activity_type}` failed in {workflow.info().workflow_id}: {error.cause}. "
        "It is tried again every hour; please have it looked at.",
        appointment_id=appointment_id,
    )
    try:
        _ = await steps.open_task(order)
    except exceptions.ActivityError as no_task:
        workflow.logger.error("no task could be opened either", exc_info=no_task)
    await wait.until(workflow.now() + _LOOK_AGAIN, label="to try again what failed", though_work_is_left=True)
