"""Leaving what still waits in the outbox to PracticeMail, when a journey ends."""

from temporalio import exceptions, workflow

with workflow.unsafe.imports_passed_through():
    from workflows.messages import LOOK_AGAIN, PRACTICE_MAIL, PRACTICE_MAIL_ID


async def leave_to_practice_mail() -> None:
    """Wake it, or start it. Should both fail, the keeper finds what waits."""
    try:
        _ = await workflow.start_child_workflow(
            PRACTICE_MAIL,
            id=PRACTICE_MAIL_ID,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
            static_summary="Mails that belong to no open journey",
        )
    except exceptions.WorkflowAlreadyStartedError:
        try:
            await workflow.get_external_workflow_handle(PRACTICE_MAIL_ID).signal(LOOK_AGAIN)
        except exceptions.FailureError:
            workflow.logger.info("what waits is left to the keeper")
