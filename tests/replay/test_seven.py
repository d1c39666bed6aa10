"""Seven deliberate changes of the order of commands: the corpus catches each, and says what it is."""

import re

import pytest

from tests.replay.seven import SEVEN, Change, caught

pytestmark = pytest.mark.crowd  # each replays in a process of its own


@pytest.mark.parametrize("change", SEVEN, ids=lambda change: change.name)
def test_a_change_of_order_is_caught(change: Change) -> None:
    told = caught(change)
    assert re.search(change.told, told), told
    assert "\n" not in told
