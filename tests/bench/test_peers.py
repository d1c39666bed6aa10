"""The peers of the benchmark: their files are whole, and the look at a round's end sees what is wrong."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bench.peers.ending import (
    RECEIPT,
    REMINDER,
    REMINDERS,
    SESSIONS,
    RoundEnd,
    SentMail,
    SessionSeen,
    ending,
    lateness,
)
from bench.peers.environments import HERE, PEERS

SARA, ARCHIVED = "sara@example.com", "tom@example.com"
CLIENTS = {SARA: False, ARCHIVED: True}
DUE = datetime(2026, 3, 2, 12, tzinfo=UTC)
SESSIONS_SEEN = [
    *[
        SessionSeen(email=SARA, status="occurred", payment_id=f"p{n}", paid=True, due_at=DUE, paid_at=DUE)
        for n in range(SESSIONS)
    ],
    *[SessionSeen(email=ARCHIVED, status="cancelled") for _ in range(SESSIONS)],
]
CHARGED = [f"p{n}" for n in range(SESSIONS)]
MAILS = [
    *[SentMail(to=SARA, template=RECEIPT, key=f"receipt:{n}") for n in range(SESSIONS)],
    *[SentMail(to=SARA, template=REMINDER, key=f"reminder:{n}") for n in range(SESSIONS * REMINDERS)],
]


@pytest.mark.parametrize("peer", PEERS)
def test_what_a_peer_runs_on_is_pinned_with_hashes_and_names_no_registry(peer: str) -> None:
    wanted = (HERE / peer / "requirements.in").read_text()
    pinned = (HERE / peer / "requirements.txt").read_text()
    for line in filter(None, (line.split("#")[0].strip() for line in wanted.splitlines())):
        name, version = re.fullmatch(r"([a-z-]+)(?:\[[a-z,]+\])?==([\d.]+)", line).groups()  # type: ignore[union-attr]
        assert f"\n{name}=={version} " in f"\n{pinned}"
    for requirement in re.split(r"\n(?! )", pinned.strip()):
        assert "==" in requirement.splitlines()[0]
        assert "--hash=sha256:" in requirement
    assert "://" not in wanted + pinned
    assert "--index" not in wanted + pinned


@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_has_a_web_server_and_a_worker_that_compile(peer: str) -> None:
    for program in ("server.py", "worker.py"):
        source = (HERE / peer / program).read_text()
        _ = compile(source, program, "exec")
        assert '__name__ == "__main__"' in source


def test_an_end_as_it_has_to_be_is_whole() -> None:
    seen = ending(clients=CLIENTS, sessions=SESSIONS_SEEN, charged=CHARGED, mails=MAILS)

    assert seen.whole
    assert seen.said() == "nothing lost, nothing doubled"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"sessions": SESSIONS_SEEN[1:], "charged": CHARGED[1:]}, RoundEnd(sessions_wrong=1)),
        (
            {"sessions": [*SESSIONS_SEEN[:-1], replace(SESSIONS_SEEN[-1], status="scheduled")]},
            RoundEnd(sessions_wrong=1),
        ),
        (
            {"sessions": [replace(SESSIONS_SEEN[0], paid=False), *SESSIONS_SEEN[1:]]},
            RoundEnd(charges_missing=1),
        ),
        ({"charged": CHARGED[1:]}, RoundEnd(charges_missing=1)),
        ({"charged": [*CHARGED, "p0"]}, RoundEnd(charges_doubled=1)),
        ({"charged": [*CHARGED, "nobody's"]}, RoundEnd(charges_unwanted=1)),
        ({"mails": MAILS[1:]}, RoundEnd(receipts_missing=1)),
        ({"mails": [*MAILS, MAILS[0]]}, RoundEnd(receipts_doubled=1)),
        ({"mails": MAILS[:-1]}, RoundEnd(reminders_missing=1)),
        ({"mails": [*MAILS[:-1], MAILS[-2]]}, RoundEnd(reminders_missing=1, reminders_doubled=1)),
        ({"mails": [*MAILS, SentMail(to=ARCHIVED, template=REMINDER, key="x")]}, RoundEnd(mails_unwanted=1)),
    ],
)
def test_what_is_wrong_at_the_end_is_counted(changed: dict[str, object], expected: RoundEnd) -> None:
    given: dict[str, object] = {"sessions": SESSIONS_SEEN, "charged": CHARGED, "mails": MAILS}

    seen = ending(clients=CLIENTS, **(given | changed))  # type: ignore[arg-type]

    assert seen == expected
    assert not seen.whole


def test_a_reminder_that_is_in_doubt_is_not_counted_as_lost_in_silence() -> None:
    in_doubt = [MAILS[-1], MAILS[-2], SentMail(to=SARA, template=RECEIPT, key="receipt:0")]

    seen = ending(clients=CLIENTS, sessions=SESSIONS_SEEN, charged=CHARGED, mails=MAILS[:-1], in_doubt=in_doubt)

    assert seen == RoundEnd(reminders_in_doubt=1)


def test_lateness_is_from_due_to_paid() -> None:
    late = replace(SESSIONS_SEEN[0], paid_at=DUE + timedelta(seconds=1.5))

    assert lateness([late, SESSIONS_SEEN[-1]]) == [1.5]
