"""How the timeline names those who did not say who they are."""

import pytest

from rules.accounts.caller import VIA_TEMPORAL, via_temporal


@pytest.mark.parametrize(
    ("identity", "named"),
    [
        (None, VIA_TEMPORAL),
        ("", VIA_TEMPORAL),
        (" \n\x00", VIA_TEMPORAL),
        ("temporal-cli:maria@desk", "via Temporal (temporal-cli:maria@desk)"),
        ("maria\r\n\x1b[31m@desk\u202e", "via Temporal (maria [31m@desk)"),
        ("x" * 99 + " y", f"via Temporal ({'x' * 99})"),
        ("x" * 500, f"via Temporal ({'x' * 100})"),
    ],
)
def test_a_sender_is_named_by_identity_in_one_short_line(identity: str | None, named: str) -> None:
    assert via_temporal(identity) == named
