"""The state machine of a payment: every pair of state and event, what can be reached, and how the named sets fit."""

from datetime import UTC, datetime, timedelta
from itertools import product
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.enums import PaymentStatus
from rules.money.payment_states import (
    CHARGEABLE,
    COLLECTED,
    CONFIRMABLE,
    CORRECTABLE,
    FIRST,
    FORGIVEN,
    LET_GO,
    OUTSTANDING,
    PENDING,
    RESUMED_BY_CARD,
    TABLE,
    UNPAID,
    WAITING,
    WAITS_FOR_CARD,
    Act,
    Because,
    NoSuchMove,
    PaymentEvent,
    after,
    before,
    can_a_card_settle,
    is_owed,
    is_stopped,
    may,
)

# A row for each event, a column for each state that it can happen in: the state that follows, or - where it cannot.
MATRIX = """
                  scheduled   processing      requires_action failed      owed        cancelled   waived paid                 partially_refunded refunded           written_off
earned            scheduled   -               -               -           -           scheduled   waived -                    -                  -                  -
try_begun         processing  -               -               processing  processing  -           -      -                    -                  -                  -
put_off           scheduled   processing      -               failed      owed        -           -      -                    -                  -                  -
paid              paid        paid            paid            paid        paid        paid        -      -                    -                  -                  -
declined          -           failed          -               -           -           -           -      -                    -                  -                  -
client_needed     -           requires_action -               -           -           -           -      -                    -                  -                  -
card_needed       failed      failed          -               failed      -           -           -      -                    -                  -                  -
card_came         -           failed          failed          failed      -           -           -      -                    -                  -                  -
retried           -           -               failed          failed      -           owed        -      -                    -                  -                  -
owed              owed        owed            owed            owed        owed        -           -      -                    -                  -                  -
stopped           cancelled   cancelled       cancelled       cancelled   -           cancelled   -      -                    -                  -                  -
unmarked          cancelled   -               -               -           -           -           -      -                    -                  -                  -
restored          -           -               -               -           scheduled   scheduled   -      -                    -                  -                  -
waived            waived      -               waived          waived      waived      waived      waived -                    -                  -                  -
written_off       -           -               -               written_off written_off written_off -      -                    -                  -                  -
refunded_in_part  -           -               -               -           -           -           -      partially_refunded   -                  partially_refunded -
refunded_in_full  -           -               -               -           -           -           -      refunded             refunded           -                  -
refund_failed     -           -               -               -           -           -           -      -                    paid               paid               -
"""  # noqa: E501 - a table
_HEAD, *_ROWS = [line.split() for line in MATRIX.strip().splitlines()]
EXPECTED = {
    (PaymentStatus(state), PaymentEvent(event)): cell
    for event, *cells in _ROWS
    for state, cell in zip(_HEAD, cells, strict=True)
}
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_the_matrix_has_every_pair() -> None:
    assert EXPECTED.keys() == set(product(PaymentStatus, PaymentEvent))


@pytest.mark.parametrize(("status", "event"), EXPECTED, ids=lambda value: value.value)
def test_every_pair_is_listed_or_refused(status: PaymentStatus, event: PaymentEvent) -> None:
    expected = EXPECTED[status, event]
    if expected != "-":
        assert after(status, event).value == expected
        return
    with pytest.raises(NoSuchMove, match=f"a payment that is {status.value} cannot be {event.value}") as raised:
        after(status, event)
    assert (raised.value.status, raised.value.event) == (status, event)


@given(st.data())
def test_from_the_first_state_only_what_the_table_reaches(data: st.DataObject) -> None:
    """However its life goes: what was collected stays collected, and money is let go of only before that."""
    status, collected = FIRST, False
    for _ in range(data.draw(st.integers(0, 12))):
        possible = sorted(event for state, event in TABLE if state is status)
        if not possible:
            assert status is PaymentStatus.WRITTEN_OFF
            break
        status = after(status, data.draw(st.sampled_from(possible)))
        collected = collected or status is PaymentStatus.PAID
        assert status in reachable()
        assert (status in COLLECTED) == collected


def test_every_state_is_reached() -> None:
    assert reachable() == set(PaymentStatus)


def reachable() -> set[PaymentStatus]:
    found, grown = {FIRST}, True
    while grown:
        more = {next for (state, _), next in TABLE.items() if state in found} - found
        found, grown = found | more, bool(more)
    return found


def test_every_event_can_happen() -> None:
    assert all(before(event) for event in PaymentEvent)


# ---------------------------------------------------------------- the sets


def test_a_payment_is_unpaid_collected_or_let_go() -> None:
    assert sorted([*UNPAID, *COLLECTED, *LET_GO]) == sorted(PaymentStatus)


def test_the_sets_say_what_they_mean() -> None:
    assert names(WAITING) == "failed requires_action scheduled"
    assert names(PENDING) == "failed processing requires_action scheduled"
    assert names(UNPAID) == "failed owed processing requires_action scheduled"
    assert names(OUTSTANDING) == "failed owed requires_action scheduled"
    assert names(CHARGEABLE) == "failed owed scheduled"
    assert names(CONFIRMABLE) == "failed owed requires_action"
    assert names(CORRECTABLE) == "cancelled scheduled waived"
    assert names(RESUMED_BY_CARD) == "failed requires_action"
    assert names(COLLECTED) == "paid partially_refunded refunded"
    assert names(FORGIVEN) == "waived written_off"
    assert names(LET_GO) == "cancelled waived written_off"


def names(states: frozenset[PaymentStatus]) -> str:
    return " ".join(sorted(state.value for state in states))


def test_only_a_try_that_runs_can_fail_by_the_bank() -> None:
    """What must win the payment first: nothing that waits can be declined, and no try begins twice."""
    assert PaymentStatus.PROCESSING not in CHARGEABLE
    for event in (PaymentEvent.DECLINED, PaymentEvent.CLIENT_NEEDED):
        assert before(event) == {PaymentStatus.PROCESSING}


def test_a_running_try_is_nobodys_to_decide_about() -> None:
    for event in (PaymentEvent.WAIVED, PaymentEvent.WRITTEN_OFF, PaymentEvent.RETRIED, PaymentEvent.RESTORED):
        assert PaymentStatus.PROCESSING not in before(event)


@given(
    st.sampled_from(PaymentStatus),
    st.sampled_from([None, *Because]),
    st.booleans(),
    st.sampled_from([Act.WAIVE, Act.WRITE_OFF]),
)
def test_what_a_person_may_do_is_a_move(
    status: PaymentStatus, because: Because | None, past_deadline: bool, act: Act
) -> None:
    event = PaymentEvent.WAIVED if act is Act.WAIVE else PaymentEvent.WRITTEN_OFF
    if may(act, status=status, because=because, past_deadline=past_deadline):
        assert after(status, event) in FORGIVEN


# ---------------------------------------------------------------- the reasons


def test_reasons() -> None:
    by_hand = {because for because in Because if not can_a_card_settle(because)}
    assert by_hand == {"below_minimum", "amount_differs", "archived"}
    assert can_a_card_settle(None)
    assert {"no_card", "new_card_needed"} == WAITS_FOR_CARD


@pytest.mark.parametrize("past_deadline", [False, True])
@pytest.mark.parametrize("because", [None, "archived", "something else"])
@pytest.mark.parametrize("status", PaymentStatus)
def test_what_is_owed(status: PaymentStatus, because: str | None, past_deadline: bool) -> None:
    stands = SimpleNamespace(
        status=status, because=because, deadline=NOW - timedelta(seconds=1) if past_deadline else NOW
    )
    stopped = (status, because) == (PaymentStatus.CANCELLED, "archived")
    assert is_stopped(status=status, because=because) == stopped
    failed_for_good = status is PaymentStatus.FAILED and past_deadline
    assert is_owed(stands, now=NOW) == (status is PaymentStatus.OWED or failed_for_good or stopped)
