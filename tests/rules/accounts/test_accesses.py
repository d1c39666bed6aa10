"""Lines of the access log: what makes two looks one line, what a signature covers, and for how long they are kept."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rules.accounts.accesses import (
    Access,
    AccessEvent,
    AccessKind,
    access_holds,
    digests_of_address,
    kept_from,
    name_of,
    root_of,
    sign_access,
)
from rules.chain import ChainKeys

KEYS = ChainKeys((("one", b"1" * 32),))
AT = datetime(2026, 3, 2, 9, 7, tzinfo=UTC)
LINE = Access(
    at=AT,
    event=AccessEvent.READ,
    kind=AccessKind.NOTES,
    who="maria",
    role="care_team",
    account_id="a",
    about="ivo",
    whose=("c",),
    visitor="v",
    network="192.0.2.0/24",
    request_id="r",
)
OTHER: dict[str, Any] = {
    "event": AccessEvent.EXPORT, "kind": AccessKind.FORMS, "who": "ivo", "role": "admin", "account_id": "b",
    "about": "ana", "token_by": "admin:eva",
    "whose": ("c", "d"), "visitor": "w", "network": None, "of_archive": True,
}  # fmt: skip


def test_what_is_one_line() -> None:
    assert OTHER.keys() | {"at", "request_id"} == {field.name for field in fields(Access)}
    name = name_of(KEYS, LINE)
    assert name_of(KEYS, replace(LINE, request_id="s", at=AT.replace(minute=14, second=59))) == name
    for minute in (15, 0):
        moved = AT.replace(minute=minute) - timedelta(seconds=not minute)
        assert name_of(KEYS, replace(LINE, at=moved)) != name
    for field, value in OTHER.items():
        assert name_of(KEYS, replace(LINE, **{field: value})) != name, field
    assert name_of(ChainKeys((("one", b"2" * 32),)), LINE) != name  # nobody without the keys knows it beforehand


def test_an_act_is_one_line_for_each_request() -> None:
    act = replace(LINE, event=AccessEvent.ROLES_CHANGED)
    assert name_of(KEYS, replace(act, request_id="s")) != name_of(KEYS, act)
    assert name_of(KEYS, replace(act, at=AT.replace(minute=14))) == name_of(KEYS, act)


@pytest.mark.parametrize(
    ("field", "value"), [*OTHER.items(), ("at", AT + timedelta(microseconds=1)), ("request_id", "s")]
)
def test_a_signature_covers_all_of_a_line(field: str, value: Any) -> None:
    signed: Any = {"key_id": "one", "mac": sign_access(KEYS, LINE)}
    assert access_holds(KEYS, LINE, id=name_of(KEYS, LINE), **signed)
    changed = replace(LINE, **{field: value})
    assert not access_holds(KEYS, changed, id=name_of(KEYS, changed), **signed)
    assert not access_holds(KEYS, LINE, id=name_of(KEYS, LINE), **signed | {"key_id": "unknown"})


def test_an_address_is_known_by_every_key_and_by_nobody_without() -> None:
    rotated = ChainKeys((("two", b"2" * 32), *KEYS.keys))
    [under_one] = digests_of_address(KEYS, "client:sara@mail.example")
    assert digests_of_address(rotated, "client:sara@mail.example")[1] == under_one
    assert "sara" not in under_one
    assert digests_of_address(KEYS, "staff:sara@mail.example") != [under_one]


def test_a_root_covers_numbers_signatures_and_their_order() -> None:
    lines = [(1, "a"), (2, "b")]
    others: tuple[list[tuple[int, str]], ...] = (
        [(1, "a")],
        [(2, "b"), (1, "a")],
        [(1, "b"), (2, "a")],
        [(1, "a"), (3, "b")],
        [],
    )
    assert root_of(lines) not in {root_of(other) for other in others}


@pytest.mark.parametrize(
    ("now", "first"),
    [("2032-03-31T23:59", "2026-03-01"), ("2032-04-01T00:00", "2026-04-01"), ("2032-02-29T12:00", "2026-02-01")],
)
def test_six_years_are_kept_in_whole_months(now: str, first: str) -> None:
    assert kept_from(datetime.fromisoformat(now).replace(tzinfo=UTC)) == datetime.fromisoformat(first).replace(
        tzinfo=UTC
    )
