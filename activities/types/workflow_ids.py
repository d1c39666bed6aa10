"""The ids of workflows, and the messages that steps must know: who knows a row knows whom to tell of it."""

ARCHIVE, UNARCHIVE = "archive", "unarchive"
STOP = "stop"  # to an archive of many
AGAIN = (ARCHIVE, UNARCHIVE, STOP)
"""Signals that are sent again to a workflow that was started anew: nothing else knows what they ask for."""

LINKS_CHANGED = "system.links_changed"  # to a journey: a therapist's link is new

SETTINGS_CHANGED = "system.settings_changed"  # to journeys and appointments: everything is planned anew

LOOK_AGAIN = "system.look_again"  # to a waitlist, or to what delivers for closed records: something has changed

_JOURNEY, _APPOINTMENT = "client-journey", "appointment"
_OWN = {_JOURNEY: "client_id", _APPOINTMENT: "appointment_id"}


def journey_id(client_id: str) -> str:
    return f"{_JOURNEY}:{client_id}"


def appointment_workflow_id(appointment_id: str) -> str:
    return f"{_APPOINTMENT}:{appointment_id}"


def own_id(workflow_id: str) -> dict[str, str]:
    """What a workflow of this id is about, by the name that messages have for it: which they may so leave out."""
    kind, _, id = workflow_id.partition(":")
    return {_OWN[kind]: id} if kind in _OWN else {}
