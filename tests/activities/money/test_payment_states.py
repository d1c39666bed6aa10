"""One function writes how a payment stands, and the sets of states have one home. Read from the code itself."""

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from activities.money.payments import move
from models.tables.money.payment import Payment
from rules.enums import PaymentKind, PaymentStatus
from rules.money.payment_states import Because, NoSuchMove, PaymentEvent

ROOT = Path(__file__).parents[3]
PRODUCT = [
    path for folder in ("activities", "api", "models", "rules", "workflows") for path in (ROOT / folder).rglob("*.py")
]
HOME = "rules/money/payment_states.py"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def functions(tree: ast.AST, name: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Every node with the name of the function that it stands in."""
    for node in ast.iter_child_nodes(tree):
        inside = node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else name
        yield inside, node
        yield from functions(node, inside)


def written(node: ast.AST) -> Iterator[ast.Attribute]:
    """The attributes that an assignment sets, in tuples too."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
    for target in targets:
        for part in ast.walk(target):
            if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store):
                yield part


@pytest.mark.parametrize("attribute", ["status", "because", "next_try_at"])
def test_how_a_payment_stands_is_written_by_one_function(attribute: str) -> None:
    found = set()
    for path in PRODUCT:
        for function, node in functions(ast.parse(path.read_text())):
            for target in written(node):
                whose = ast.unparse(target.value)
                says_so = isinstance(node, ast.Assign) and "PaymentStatus" in ast.unparse(node.value)
                if target.attr == attribute and ("payment" in whose.lower() or whose == "stored" or says_so):
                    found.add((str(path.relative_to(ROOT)), function))
    assert found == {("activities/money/payments.py", "move")}


def test_a_payment_is_written_down_in_its_first_state_alone() -> None:
    found = [
        (str(path.relative_to(ROOT)), ast.unparse(word.value))
        for path in PRODUCT
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Payment"
        for word in node.keywords
        if word.arg == "status"
    ]
    assert found == [("activities/money/fee.py", "FIRST")]


def test_sets_of_states_have_one_home() -> None:
    found = []
    for path in PRODUCT:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Set | ast.Tuple | ast.List) and len(node.elts) > 1:
                states = [part for part in node.elts if ast.unparse(part).startswith(("PaymentStatus.", "_S."))]
                if len(states) > 1:
                    found.append(str(path.relative_to(ROOT)))
    assert set(found) == {HOME}


def a_payment(status: PaymentStatus) -> Payment:
    return Payment(
        id=uuid4(),
        appointment_id=uuid4(),
        client_id=uuid4(),
        kind=PaymentKind.SESSION,
        amount=100,
        currency="USD",
        status=status,
        because="declined",
        created_at=NOW,
        due_at=NOW,
        deadline=NOW,
        next_try_at=NOW,
    )


def test_a_move_writes_the_state_its_reason_and_the_next_try() -> None:
    payment = a_payment(PaymentStatus.FAILED)
    move(payment, PaymentEvent.TRY_BEGUN, at=NOW)
    assert (payment.status, payment.because, payment.next_try_at) == (PaymentStatus.PROCESSING, None, None)
    move(payment, PaymentEvent.DECLINED, because=Because.DECLINED, next_try_at=NOW, at=NOW)
    assert (payment.status, payment.because, payment.next_try_at) == (PaymentStatus.FAILED, "declined", NOW)
    assert (type(payment.because), payment.paid_at) == (str, None)  # a plain word, as the database gives it back
    move(payment, PaymentEvent.PAID, at=NOW)
    assert (payment.status, payment.because, payment.paid_at) == (PaymentStatus.PAID, None, NOW)
    move(payment, PaymentEvent.REFUNDED_IN_FULL, at=NOW)
    move(payment, PaymentEvent.REFUND_FAILED, at=datetime(2027, 1, 1, tzinfo=UTC))
    assert (payment.status, payment.paid_at) == (PaymentStatus.PAID, NOW)  # it was paid when it was paid


def test_a_move_that_the_table_does_not_know_changes_nothing() -> None:
    payment = a_payment(PaymentStatus.WRITTEN_OFF)
    with pytest.raises(NoSuchMove):
        move(payment, PaymentEvent.PAID, at=NOW)
    assert (payment.status, payment.because, payment.next_try_at) == (PaymentStatus.WRITTEN_OFF, "declined", NOW)
