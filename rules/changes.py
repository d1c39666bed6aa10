"""What a change is noted of, so that programs can ask what has changed since they last looked."""

from enum import StrEnum


class ChangedKind(StrEnum):
    """What programs ask for by ``updated_since``, each by its id; all else of a client is ``other``."""

    CLIENT = "client"
    APPOINTMENT = "appointment"
    PAYMENT = "payment"
    FORM = "form"
    TASK = "task"
    OTHER = "other"
