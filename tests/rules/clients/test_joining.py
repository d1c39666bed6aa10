"""Which records may be joined, what of each counts, and when two addresses are one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from rules.accounts.caller import fold_email
from rules.clients.joining import (
    ClientRecord,
    FormRecord,
    TakenTime,
    form_counts,
    is_active_again,
    missing_details,
    read_afterwards,
    refuse_join,
)
from rules.enums import FormStatus
from rules.refusals import Problem

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def taken(id: str, minutes: int, *, length: int = 50) -> TakenTime:
    start = NINE + timedelta(minutes=minutes)
    return TakenTime(appointment_id=id, starts_at=start, ends_at=start + timedelta(minutes=length))


OLD = ClientRecord(id="old", ref="OLD", account_active=True)
NEW = ClientRecord(id="new", ref="NEW", ahead=(taken("a", 0),))


@pytest.mark.parametrize(
    ("duplicate", "into", "says"),
    [
        (NEW, NEW, "is this very record"),
        (NEW, replace(OLD, joined=True, closed=True), "was joined into another record"),
        (NEW, replace(OLD, closed=True), "was closed"),
        (replace(NEW, test=True), OLD, "test client"),
        (replace(NEW, account_active=True), replace(OLD, account_active=False), "the other way round"),
    ],
)
@pytest.mark.parametrize("by_staff", [True, False])
def test_what_can_never_be_joined_is_refused_by_field(
    duplicate: ClientRecord, into: ClientRecord, says: str, by_staff: bool
) -> None:
    refusal = refuse_join(duplicate, into, by_staff=by_staff)
    assert refusal is not None
    assert refusal.name is Problem.VALIDATION_FAILED
    assert refusal.data["errors"][0]["field"] == "into"
    assert says in refusal.detail


def test_what_can_be_joined() -> None:
    assert refuse_join(NEW, OLD, by_staff=False) is None
    assert refuse_join(NEW, replace(OLD, account_active=False), by_staff=False) is None
    assert refuse_join(replace(NEW, account_active=True), OLD, by_staff=True) is None
    assert refuse_join(replace(NEW, test=True), replace(OLD, test=True), by_staff=True) is None


def test_money_on_its_way_is_waited_for_and_two_appointments_at_once_are_for_a_person() -> None:
    for duplicate, into in (
        (replace(NEW, on_their_way=("p",)), OLD),
        (NEW, replace(OLD, on_their_way=("p",), ahead=(taken("b", 0),))),
    ):
        refusal = refuse_join(duplicate, into, by_staff=True)
        assert refusal is not None
        assert (refusal.name, refusal.data["payments"]) == (Problem.PAYMENT_NOT_OPEN, ["p"])

    refusal = refuse_join(NEW, replace(OLD, ahead=(taken("b", -50), taken("c", 49), taken("d", 50))), by_staff=True)
    assert refusal is not None
    assert refusal.name is Problem.SLOT_TAKEN
    [[one, other]] = refusal.data["overlapping"]
    assert (one["appointment_id"], other["appointment_id"]) == ("a", "c")  # those that only touch are two
    assert one["starts_at"] == NINE.isoformat()


def test_where_booking_is_off_a_link_brings_no_booking() -> None:
    off = replace(OLD, booking_enabled=False)
    refusal = refuse_join(NEW, off, by_staff=False)
    assert refusal is not None
    assert refusal.name is Problem.BOOKING_DISABLED
    assert refuse_join(NEW, off, by_staff=True) is None
    assert refuse_join(replace(NEW, ahead=()), off, by_staff=False) is None


def test_what_is_known_stays_and_what_is_missing_is_filled() -> None:
    known = {"first_name": "Sara", "last_name": " ", "email": None, "phone": None, "time_zone": "UTC", "state": None}
    others = {"first_name": "Sarah", "last_name": "Lind", "email": "s@x.example", "phone": "", "state": None}
    assert missing_details(known, others) == {"last_name": "Lind", "email": "s@x.example"}


ASKED, SUSPENDED = FormRecord(status=FormStatus.REQUESTED), FormRecord(status=FormStatus.SUSPENDED)
DONE = FormRecord(status=FormStatus.COMPLETE, completed_at=NINE)
LATER = FormRecord(status=FormStatus.COMPLETE, completed_at=NINE + timedelta(days=1))


@pytest.mark.parametrize(
    ("theirs", "mine", "counts"),
    [
        (ASKED, None, True),
        (DONE, None, True),
        (ASKED, ASKED, False),
        (ASKED, DONE, False),
        (SUSPENDED, ASKED, False),
        (DONE, ASKED, True),
        (DONE, SUSPENDED, True),
        (LATER, DONE, True),
        (DONE, LATER, False),
        (DONE, DONE, False),
    ],
)
def test_the_newest_form_that_is_complete_counts(theirs: FormRecord, mine: FormRecord | None, counts: bool) -> None:
    assert form_counts(theirs, mine=mine) is counts


@pytest.mark.parametrize(
    ("theirs", "mine", "read"),
    [(0, 0, 0), (3, 0, 0), (3, 4, 4), (0, 5, 5), (2, 5, 7), (3, 5, 8)],  # of 3 and of 5 messages
)
def test_a_chat_is_read_as_far_as_all_before_it_is_read(theirs: int, mine: int, read: int) -> None:
    assert read_afterwards(theirs=theirs, of_theirs=3, mine=mine, of_mine=5) == read


def test_a_link_that_is_followed_makes_active_again_only_with_a_booking() -> None:
    for archived, other_archived, by_staff, books in product((True, False), repeat=4):
        active = is_active_again(archived=archived, other_archived=other_archived, by_staff=by_staff, books=books)
        assert active is ((archived, other_archived) == (True, False) and (by_staff or books))


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sara@example.com", "  SARA@Example.COM "),
        ("sara@example.com", "ｓａｒａ@ｅｘａｍｐｌｅ.com"),  # full-width letters
        ("mike@example.com", "mi\u212ae@example.com"),  # the sign for kelvin
        ("strasse@example.com", "STRAẞE@example.com"),
        ("straße@example.com", "STRASSE@example.com"),
        ("rene\u0301e@example.com", "renée@example.com"),  # an accent of its own, or within the letter
        ("sara@bücher.example", "sara@xn--bcher-kva.example"),
        ("sara@BÜCHER.example", "sara@XN--BCHER-KVA.example"),
        ("sara@straße.example", "sara@xn--strae-oqa.example"),
        ("sara@bücher。example", "sara@bücher.example"),
        ("Σίσυφος@example.com", "ΣΊΣΥΦΟΣ@example.com"),
    ],
)
def test_two_spellings_of_one_address(one: str, other: str) -> None:
    assert fold_email(one) == fold_email(other)
    assert fold_email(fold_email(one)) == fold_email(one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mike@example.com", "m\u0131ke@example.com"),  # the Turkish i without a dot
        ("mike@example.com", "M\u0130KE@example.com"),  # and the large one with a dot
        ("sara@strasse.example", "sara@straße.example"),  # two domains, of two people
        ("sara@example.com", "sara+1@example.com"),
        ("sara@example.com", "s.ara@example.com"),
        ("sara@abc.example", "sara@xn--abc-.example"),  # only looks encoded
        ("sara@example.com", "example.com@sara"),
    ],
)
def test_two_addresses(one: str, other: str) -> None:
    assert fold_email(one) != fold_email(other)


@pytest.mark.parametrize(
    "odd", ["", "@", "nobody", "a@b@c", "x@xn--", "x@xn--\u00fc", "x@xn--99999999999", "x@xn--a.."]
)
def test_what_is_no_address_folds_too(odd: str) -> None:
    assert fold_email(odd) == fold_email(odd.upper())
    fold_email(odd).encode()
