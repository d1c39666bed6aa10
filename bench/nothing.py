"""What the engine costs by itself: a workflow with six durable steps that do nothing, however many the product takes.

``python -m bench.nothing`` is its worker, a process of its own as the product's is.
"""

import asyncio
import sys
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

QUEUE = "nothing"
READY = "Ready: taking nothing"
_AT_ONCE = 30  # as the product's worker
_SOON = timedelta(seconds=30)


@activity.defn
async def nothing(about: str) -> str:
    return about


@workflow.defn
class Nothing:
    @workflow.run
    async def run(self, due: float) -> tuple[float, float]:
        """At ``due``: three steps, as to win, charge and record; then three, as for a receipt and for what Stripe
        reported. When the third and the last of them were done. All in unix seconds."""
        await workflow.sleep(max(due - workflow.time(), 0.0))
        await workflow.execute_local_activity(nothing, "win", start_to_close_timeout=_SOON)
        await workflow.execute_activity(nothing, "charge", start_to_close_timeout=_SOON)
        await workflow.execute_local_activity(nothing, "record", start_to_close_timeout=_SOON)
        recorded = workflow.time()
        await workflow.execute_activity(nothing, "receipt", start_to_close_timeout=_SOON)
        await workflow.execute_activity(nothing, "report", start_to_close_timeout=_SOON)
        await workflow.execute_activity(nothing, "deliver", start_to_close_timeout=_SOON)
        return recorded, workflow.time()


async def main(address: str, namespace: str) -> None:
    client = await Client.connect(address, namespace=namespace)
    worker = Worker(
        client,
        task_queue=QUEUE,
        workflows=[Nothing],
        activities=[nothing],
        max_concurrent_activities=_AT_ONCE,
        max_concurrent_local_activities=_AT_ONCE,
    )
    async with worker:
        print(READY, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
