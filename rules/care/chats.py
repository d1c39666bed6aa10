"""Chats: who may start which, and who may write; and whom a blast leaves out."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from rules.accounts.caller import Caller
from rules.enums import ChatKind, ClientStatus, Role

OF_ONE_CLIENT = frozenset({ChatKind.DIRECT, ChatKind.CARE_TEAM})
"""Of these a client has one each."""

STARTED_ONCE = OF_ONE_CLIENT | {ChatKind.STAFF}
"""They are started once and never left; the others are made by the practice, with a title, and have clients in them who
come and go."""

TOLD_WHILE_ARCHIVED = OF_ONE_CLIENT
"""Chats in which a person wrote to this client: that a message waits tells nothing about an archive."""

LONGEST_MESSAGE = 10_000  # characters
LARGEST_SEQ = 2**31 - 1
MOST_MESSAGES = 30  # of one client in one chat, in each such time:
MESSAGES_COUNTED_FOR = timedelta(minutes=1)
MOST_MEMBERS = 1_000  # named in one request
MOST_OF_A_BLAST = 1_000  # clients


def setting_of(kind: ChatKind) -> str:
    """The portal setting that a chat of this kind belongs to."""
    return "community" if kind is ChatKind.COMMUNITY else "chat"


def may_start(caller: Caller, kind: ChatKind) -> bool:
    """The chat of a client with the care team is no therapist's, only the practice brings clients together or writes to
    itself, and admins see none."""
    if caller.role is Role.THERAPIST:
        return kind is not ChatKind.CARE_TEAM
    return caller.is_care_team or (kind in OF_ONE_CLIENT and caller.role is not Role.ADMIN)


def reader_of(caller: Caller, client_id: str | None) -> str:
    """Under whose name it is remembered how far somebody has read: all who act for a client read as that client."""
    return f"{Role.CLIENT.value}:{client_id}" if client_id is not None and not caller.is_practice else caller.actor


def read_after_writing(*, read: int, shown: int, newest: int) -> int:
    """How far somebody has read who adds a message behind the ``newest``: it counts as read if all before it is.

    ``read``: how far they had read. ``shown``: up to where the page showed them the chat as they wrote, 0 if nobody
    said.
    """
    seen = max(read, min(shown, newest))
    return newest + 1 if seen >= newest else seen


def message_mail_due(
    *, newest: int, told: int, told_at: datetime | None, every: timedelta, now: datetime
) -> datetime | None:
    """When a mail is to say that something waits: at once, or ``every`` after the last mail about the same chat.

    ``newest``: the number of the newest unread message, 0 if all is read; ``told``: the newest that the last mail told
    of, which went out at ``told_at``. None if nothing waits that no mail has told of.
    """
    if newest <= told:
        return None
    return now if told_at is None else max(now, told_at + every)


# ---------------------------------------------------------------- blasts


def left_out_because(
    *, status: ClientStatus, closed: bool, settings: Mapping[str, bool], has_therapist: bool
) -> str | None:
    """Why a blast does not reach a client, for the practice to read; None if it does."""
    if status is ClientStatus.ARCHIVED:
        return "This client is archived."
    if closed:
        return "This journey was closed."
    if not settings.get(setting_of(ChatKind.DIRECT), True):
        return "The chat is switched off for this client."
    return None if has_therapist else "This client has no therapist yet."
