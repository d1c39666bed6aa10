import pytest

from tests.care.outside.elsewhere import Elsewhere
from tests.care.practice import Practice


@pytest.fixture
async def elsewhere(practice: Practice) -> Elsewhere:
    elsewhere = Elsewhere(practice)
    await elsewhere.opens()
    return elsewhere
