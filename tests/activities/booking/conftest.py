import pytest

from tests.care.practice import Practice
from tests.care.waitlist import Waitlist


@pytest.fixture
async def waitlist(practice: Practice) -> Waitlist:
    waitlist = Waitlist(practice)
    await waitlist.opens("ana")
    return waitlist
