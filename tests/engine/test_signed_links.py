"""Tokens of links that never end: made here alone, and read as long as their key is kept."""

import re

import pytest

from engine.codec import PayloadKeys
from engine.signed_links import SignedLinks

OLD, NEW = ("2025", b"1" * 32), ("2026", b"2" * 32)


def test_a_token_says_what_was_put_into_it_and_fits_into_an_address() -> None:
    links = SignedLinks(PayloadKeys((NEW,)), "unsubscribe")
    token = links.token("0" * 32, "mark")
    assert links.read(token) == ("0" * 32, "mark")
    assert links.token("0" * 32, "mark") == token
    assert re.fullmatch(r"[\w-]+\.[\w-]+", token, re.ASCII)


def test_a_link_outlives_a_change_of_keys_for_as_long_as_its_key_is_kept() -> None:
    mailed = SignedLinks(PayloadKeys((OLD,)), "unsubscribe").token("a")
    assert SignedLinks(PayloadKeys((NEW, OLD)), "unsubscribe").read(mailed) == ("a",)
    assert SignedLinks(PayloadKeys((NEW,)), "unsubscribe").read(mailed) is None
    fresh = SignedLinks(PayloadKeys((NEW, OLD)), "unsubscribe").token("a")
    assert SignedLinks(PayloadKeys((NEW,)), "unsubscribe").read(fresh) == ("a",)


def test_a_token_of_another_purpose_or_touched_is_none() -> None:
    links = SignedLinks(PayloadKeys((NEW,)), "unsubscribe")
    token = links.token("a", "b")
    assert SignedLinks(PayloadKeys((NEW,)), "join").read(token) is None
    touched = [token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :] for place in (0, 5, -8)]
    for wrong in (*touched, "", ".", token[:-2], f"{token}.x", "é", "\ud800", token.partition(".")[0]):
        assert links.read(wrong) is None, wrong


@pytest.mark.parametrize("said", ["e30", "Nw", "bnVsbA", "IkEi", "_w", "x", ""])
def test_what_is_signed_but_no_list_is_none(said: str) -> None:
    links = SignedLinks(PayloadKeys((NEW,)), "unsubscribe")
    assert links.read(links._signer.sign(said).decode()) is None
