"""The forms gate: what is asked for again, and from when on bookings wait for it, case by case."""

from datetime import UTC, datetime, timedelta

import pytest

from rules.forms.asking import AskedVersion, NewAsking, intake_to_ask, outstanding, own_to_ask

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
GRACE = timedelta(days=7)
LATER = NOW + GRACE
KINDS = ("consent", "billing")


def asked(
    version: int, *, complete: bool = False, gates_from: datetime | None = None, kind: str = "consent"
) -> AskedVersion:
    return AskedVersion(kind=kind, version=version, complete=complete, gates_from=gates_from)


@pytest.mark.parametrize(
    ("so_far", "newest", "first_booking", "gates_from", "instead"),
    [
        ([], 1, True, None, False),
        ([], 2, True, None, False),
        ([], 1, False, LATER, False),  # a form that is new to the practice
        ([asked(1, complete=True)], 2, True, LATER, False),
        ([asked(1, complete=True)], 2, False, LATER, False),
        ([asked(1)], 2, False, None, True),  # it gates already, and goes on to
        ([asked(1, complete=True), asked(2, gates_from=NOW - GRACE)], 3, False, LATER, True),
        ([asked(1, complete=True), asked(2, gates_from=NOW + GRACE)], 3, False, LATER, True),
        ([asked(1, gates_from=NOW + GRACE)], 2, False, LATER, True),
        ([asked(1, complete=True), asked(2)], 2, False, LATER, True),  # of two records that were joined
        ([asked(1, complete=True)], 3, False, LATER, False),  # two versions at once: the newest alone
    ],
)
def test_what_is_missing_is_asked_for_once_and_gates_when_it_should(
    so_far: list[AskedVersion], newest: int, first_booking: bool, gates_from: datetime | None, instead: bool
) -> None:
    found = intake_to_ask(so_far, newest={"consent": newest}, first_booking=first_booking, at=NOW, grace=GRACE)
    assert found == [NewAsking(kind="consent", version=newest, gates_from=gates_from, instead=instead)]
    after = [*(a for a in so_far if not (instead and not a.complete)), asked(newest, gates_from=gates_from)]
    for first in (True, False):
        assert intake_to_ask(after, newest={"consent": newest}, first_booking=first, at=NOW, grace=GRACE) == []


@pytest.mark.parametrize("so_far", [[asked(2)], [asked(2, complete=True)], [asked(2, gates_from=LATER)], [asked(3)]])
def test_what_was_asked_for_is_not_asked_for_again(so_far: list[AskedVersion]) -> None:
    assert intake_to_ask(so_far, newest={"consent": 2}, first_booking=True, at=NOW, grace=GRACE) == []


@pytest.mark.parametrize(
    ("so_far", "never_booked", "missing"),
    [
        ([], True, ["consent", "billing"]),
        ([], False, []),  # never asked is never outstanding
        ([asked(1, complete=True)], True, ["billing"]),
        ([asked(1), asked(1, kind="billing")], False, ["consent", "billing"]),
        ([asked(1), asked(1, kind="billing", complete=True)], False, ["consent"]),
        ([asked(1, complete=True), asked(2, gates_from=LATER)], False, []),
        ([asked(2, gates_from=LATER), asked(1, complete=True)], False, []),
        ([asked(1, complete=True), asked(2, gates_from=NOW + timedelta(microseconds=1))], False, []),
        ([asked(1, complete=True), asked(2, gates_from=NOW)], False, ["consent"]),
        ([asked(1), asked(2, complete=True)], False, []),  # of each form only the newest counts
        ([asked(1, complete=True), asked(2)], False, []),  # came with a joined record: nobody asked this client again
        ([asked(1, kind="diary")], False, []),  # one of the practice's own
    ],
)
def test_bookings_wait_for_what_was_asked_for_and_gates(
    so_far: list[AskedVersion], never_booked: bool, missing: list[str]
) -> None:
    assert list(outstanding(so_far, intake=KINDS, never_booked=never_booked, as_of=NOW)) == missing


@pytest.mark.parametrize(
    ("so_far", "again"),
    [
        ([], False),
        ([asked(1)], False),  # what is open keeps the version that was asked for
        ([asked(1, complete=True)], True),
        ([asked(1, complete=True), asked(1)], False),
        ([asked(1, complete=True), asked(2)], False),
        ([asked(2, complete=True)], False),
    ],
)
def test_the_practices_own_are_asked_for_again_of_whoever_has_completed_an_older_version(
    so_far: list[AskedVersion], again: bool
) -> None:
    found = own_to_ask([*so_far, asked(1, kind="other", complete=True)], newest={"consent": 2, "other": 1})
    assert found == [NewAsking(kind="consent", version=2, gates_from=None)] * again
