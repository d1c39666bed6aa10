from collections.abc import AsyncIterator

import pytest

from tests.local.environment import bare_environment
from tests.ops.doctor.deployment import Deployment, deployed

__all__ = ["bare_environment"]


@pytest.fixture
async def deployment(database_url: str) -> AsyncIterator[Deployment]:
    async with deployed(database_url) as one:
        yield one
