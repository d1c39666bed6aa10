import pytest

from models.database import Sessions
from tests.ops.chains import Practice


@pytest.fixture
async def practice(sessions: Sessions) -> Practice:
    return Practice(sessions)
