"""Two workflows that tell which build they run on."""

from temporalio import workflow
from temporalio.common import VersioningBehavior


def _build() -> str:
    version = workflow.info().get_current_deployment_version()
    return version.build_id if version else "none"


@workflow.defn(name="Follows")
class FollowsTheCurrentBuild:
    """As the worker's default says."""

    def __init__(self) -> None:
        self.goes_on = True

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: not self.goes_on)
        workflow.continue_as_new()

    @workflow.signal
    def renew(self) -> None:
        self.goes_on = False

    @workflow.update
    async def build(self) -> str:
        return _build()

    @workflow.update
    async def goes_the_new_way(self) -> bool:
        return workflow.patched("a-new-way")


@workflow.defn(name="Stays", versioning_behavior=VersioningBehavior.PINNED)
class StaysWithItsBuild:
    def __init__(self) -> None:
        self.goes_on = True

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: not self.goes_on)
        workflow.continue_as_new()

    @workflow.signal
    def renew(self) -> None:
        self.goes_on = False

    @workflow.update
    async def build(self) -> str:
        return _build()
