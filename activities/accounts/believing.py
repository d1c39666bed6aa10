"""Whom a step believes: an order is by whom it names only if somebody who has the key vouches for that."""

from dataclasses import replace
from typing import Any

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from engine.vouching import Vouching
from rules.accounts.caller import SYSTEM, through_temporal
from rules.accounts.vouching import is_system, is_vouched, named, says_who, voucher_of
from rules.refusals import Problem

log = structlog.get_logger(__name__)


class BelievesTheVouchedFor(Interceptor):
    """Looks at the orders of all steps. Whom nobody vouches for has the rights of whoever may use the engine's UI, and
    stands in the timeline as that. What is not for people at all is refused them."""

    def __init__(self, vouching: Vouching) -> None:
        self._vouching = vouching

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Believing(next, self._vouching)


class _Believing(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, vouching: Vouching) -> None:
        super().__init__(next)
        self._vouching = vouching

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        workflow_id = activity.info().workflow_id or ""
        args = [self._believed(order, workflow_id) if says_who(order) else order for order in input.args]
        return await super().execute_activity(replace(input, args=args))

    def _believed(self, order: Any, workflow_id: str) -> Any:
        own = order.by == SYSTEM and voucher_of(order) is None  # no message names it: a workflow has made this order
        if own or is_vouched(order, workflow_id=workflow_id, holds=self._vouching.holds):
            return order
        claimed = voucher_of(order)
        if claimed is not None and is_system(claimed.message):
            message = "Nobody vouches for this, and it is not for people: nothing was changed."
            raise ApplicationError(message, type=Problem.VALIDATION_FAILED, non_retryable=True)
        log.info("nobody vouches for whom an order names", order=type(order).__name__, workflow=workflow_id)
        return named(order, through_temporal(), None)
