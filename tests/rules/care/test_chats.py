"""Who may start which chat, how far somebody has read, and whom a blast leaves out."""

import pytest

from rules.accounts.caller import Caller
from rules.care.chats import left_out_because, may_start, read_after_writing, reader_of, setting_of
from rules.enums import ChatKind, ClientStatus, Role


@pytest.mark.parametrize(
    ("role", "kinds"),
    [
        (Role.CLIENT, {ChatKind.DIRECT, ChatKind.CARE_TEAM}),
        (Role.BOOKING_SITE, {ChatKind.DIRECT, ChatKind.CARE_TEAM}),
        (Role.THERAPIST, {ChatKind.DIRECT, ChatKind.GROUP, ChatKind.COMMUNITY, ChatKind.STAFF}),
        (Role.CARE_TEAM, set(ChatKind)),
        (Role.ADMIN, set()),
    ],
)
def test_who_starts_which_chats(role: Role, kinds: set[ChatKind]) -> None:
    assert {kind for kind in ChatKind if may_start(Caller(role=role, name="x"), kind)} == kinds


def test_each_kind_belongs_to_a_part_of_the_portal() -> None:
    assert {kind: setting_of(kind) for kind in ChatKind} == {
        ChatKind.DIRECT: "chat",
        ChatKind.CARE_TEAM: "chat",
        ChatKind.GROUP: "chat",
        ChatKind.COMMUNITY: "community",
        ChatKind.STAFF: "chat",
    }


def test_all_who_act_for_a_client_read_as_that_client() -> None:
    site, sara = Caller(role=Role.BOOKING_SITE, name="site"), Caller(role=Role.CLIENT, name="s", client_id="s")
    assert reader_of(site, "s") == reader_of(sara, "s") == "client:s"
    ana = Caller(role=Role.THERAPIST, name="t", therapist="ana")
    assert reader_of(ana, None) == reader_of(ana, "s") == "therapist:ana"


@pytest.mark.parametrize(
    ("read", "shown", "newest", "afterwards"),
    [
        (0, 0, 0, 1),  # the first message of all
        (4, 0, 4, 5),  # nothing was unread
        (2, 0, 4, 2),  # nobody saw what is unread
        (2, 3, 4, 3),
        (2, 4, 4, 5),
        (4, 2, 4, 5),
        (0, 9, 4, 5),  # a page cannot have shown what is not there
    ],
)
def test_writing_alone_is_not_reading(read: int, shown: int, newest: int, afterwards: int) -> None:
    assert read_after_writing(read=read, shown=shown, newest=newest) == afterwards


def test_why_a_blast_leaves_somebody_out() -> None:
    def why(**changes: object) -> str | None:
        usual = {"status": ClientStatus.ACTIVE, "closed": False, "settings": {"chat": True}, "has_therapist": True}
        return left_out_because(**usual | changes)  # type: ignore[arg-type]

    assert why() is why(settings={}) is why(settings={"community": False}) is None
    assert "archived" in str(why(status=ClientStatus.ARCHIVED, has_therapist=False))
    assert "closed" in str(why(closed=True))
    assert "switched off" in str(why(settings={"chat": False}))
    assert "therapist" in str(why(has_therapist=False))
