"""Journeys that are under way must go on under today's code: every recorded history is replayed."""

from temporalio.api.enums.v1 import EventType

from engine.codec import data_converter
from tests.care.house import KEYS
from tests.replay.busy import a_busy_client
from tests.replay.corpus import corpus, story_of
from tests.replay.handlers import TYPES, handled, queries, signals, type_of, updates
from tests.replay.replaying import replayed
from tests.replay.stories import STORIES

CONVERTER = data_converter(KEYS)


async def test_every_recorded_history_replays() -> None:
    names, different, answered = list(corpus()), [], set()
    async for one in replayed(corpus().values(), CONVERTER):
        name = names.pop(0)
        answered |= {(one.workflow, query) for query in one.answered}
        if one.told:
            different.append(f"{name} ({one.workflow}): {one.told}")
    assert not different, "\n".join(["see docs/changing-a-workflow.md", *different])
    assert (names, answered) == ([], queries())


def test_the_corpus_has_every_story_and_every_workflow() -> None:
    assert {story_of(name) for name in corpus()} == {story.__name__ for story, _ in STORIES}
    assert {type_of(history) for history in corpus().values()} == set(TYPES)
    kinds = {event.event_type for history in corpus().values() for event in history.events}
    assert kinds >= {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
        EventType.EVENT_TYPE_TIMER_FIRED,
        EventType.EVENT_TYPE_TIMER_CANCELED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED,
        EventType.EVENT_TYPE_MARKER_RECORDED,
        EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
        EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED,
        EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED,
    }


def test_the_corpus_has_every_message() -> None:
    """What is made of each is for test_noticed.py to say."""
    found = {each for history in corpus().values() for each in handled(history)}
    assert found == updates() | signals()


def test_a_busy_client_is_sent_every_message() -> None:
    """To the journey of a record that is joined, and to that into which it is: one of them has each message."""
    busy = [history for name, history in corpus().items() if story_of(name) == a_busy_client.__name__]
    found = {each for history in busy for each in handled(history)}
    of_a_client = {"ClientJourney", "AppointmentJourney"}
    assert {each for each in updates() | signals() if each[0] in of_a_client} - found == set()
