"""Waking a therapist's waitlist: time was freed, or somebody joined or left."""

from collections.abc import Iterable

from temporalio import exceptions, workflow

from workflows.parts.search_attributes import own_epoch

with workflow.unsafe.imports_passed_through():
    from workflows.messages import LOOK_AGAIN, WAITLIST_OFFER, WaitlistInput, waitlist_id

_TRIES = 3


async def wake(therapists: Iterable[str]) -> None:
    """Tell each line to look again, and start the one that is not there."""
    for therapist in therapists:
        await _wake(therapist)


async def _wake(therapist: str) -> None:
    handle = workflow.get_external_workflow_handle(waitlist_id(therapist))
    for _ in range(_TRIES):  # it may end, or be started by somebody else, between the two
        try:
            await handle.signal(LOOK_AGAIN)
            return
        except exceptions.FailureError:
            pass
        try:
            _ = await workflow.start_child_workflow(
                WAITLIST_OFFER,
                WaitlistInput(therapist=therapist),
                id=waitlist_id(therapist),
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
                search_attributes=own_epoch(),
                static_summary=f"The waitlist of {therapist}",
            )
            return
        except exceptions.WorkflowAlreadyStartedError:
            continue
    workflow.logger.warning("the waitlist of %s could not be woken; it looks by itself once a day", therapist)
