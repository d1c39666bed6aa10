"""A signed copy: every word of it, its hash, and what does not alter it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from rules.forms.conditions import Condition
from rules.forms.fields import FieldType, FormField
from rules.forms.signed import AttachedFile, Part, Read, SignedCopy, Signing, hash_of, in_words, signed_copy
from rules.money.receipts import Letterhead

ID = UUID("6f1c1c7e-3a52-4b0b-8a77-0c1f1f2c9b10")
SCAN = AttachedFile(filename="scan.pdf", content_type="application/pdf", size=1234, sha256="ab" * 32)
YES_NO = FormField(name="slept", label="Did you sleep?", type=FieldType.YES_NO)
SIGNING = Signing(
    practice=Letterhead(name="Riverside Practice", address="12 Elm Street"),
    title="Sleep",
    version=3,
    body="Please read this.\n\nIt is about 48 hours.",
    read=Read(title="Fee policy", version=2, body="The full fee is due."),
    fields=(
        YES_NO,
        FormField(name="why", label="Why?", type=FieldType.TEXT, when=Condition(field="slept", is_=(False,))),
        FormField(
            name="contact",
            label="Whom we may call",
            type=FieldType.GROUP,
            fields=(FormField(name="name", label="Name", type=FieldType.TEXT),),
        ),
        FormField(name="scan", label="Scan", type=FieldType.FILE),
    ),
    answers={"slept": True, "contact": {"name": "Jo"}, "scan": [str(ID)]},
    client_name="Sara Lind",
    client_ref="AB23CD45EF",
    signature="Sara Lind",
    signed_at=datetime(2026, 12, 1, 14, 0, 7, tzinfo=UTC),
    time_zone="America/New_York",
    network="203.0.113.0/24",
    entered_by=None,
    files={ID: SCAN},
)


def told(signing: Signing) -> list[tuple[str, str]]:
    return [(piece.name, piece.text) for piece in signed_copy(signing, salt="00").pieces]


def test_it_has_all_that_was_shown_and_answered_and_who_signed_when_and_from_where() -> None:
    assert told(SIGNING) == [
        ("", "Sleep"),
        ("", "Version 3"),
        ("", "Please read this.\n\nIt is about 48 hours."),
        ("", "Fee policy"),
        ("", "Version 2"),
        ("", "The full fee is due."),
        ("Did you sleep?", "Yes"),
        ("Whom we may call: Name", "Jo"),
        ("Scan", f"scan.pdf (application/pdf, 1234 bytes, SHA-256 {'ab' * 32})"),
        ("Client", "Sara Lind (AB23CD45EF)"),
        ("Filled in by", "The client"),
        ("Signed with the name", "Sara Lind"),
        ("Signed at", "Tuesday 1 December 2026, 09:00 (New York time, EST)"),
        ("", "2026-12-01 14:00:07 UTC"),
        ("From the network", "203.0.113.0/24"),
    ]


def test_what_is_not_there_is_left_out_or_said_to_be_unknown() -> None:
    bare = replace(SIGNING, body="", read=None, network=None, answers={"slept": False}, files={})
    names = [name for name, _ in told(bare)]
    assert names.count("") == 3  # title, version, the time in UTC
    assert ("Why?", "Not answered") in told(bare)
    assert ("From the network", "Not known") in told(bare)


def test_in_session_it_says_who_filled_it_in_and_of_a_test_client_that_it_is_one() -> None:
    entered = replace(SIGNING, entered_by="Ana Silva (therapist)", test=True)
    assert ("Filled in by", "Ana Silva (therapist), together with the client") in told(entered)
    assert told(entered)[0] == ("", "Test: this was signed for a test client.")


@pytest.mark.parametrize(
    ("type", "more", "answer", "words"),
    [
        (FieldType.TEXT, {}, "Sara", "Sara"),
        (FieldType.LONG_TEXT, {}, "a\nb", "a\nb"),
        (FieldType.YES_NO, {}, False, "No"),
        (FieldType.CHOICE, {"options": ("Mon",)}, "Mon", "Mon"),
        (FieldType.CHOICES, {"options": ("a", "b")}, ["a", "b"], "a\nb"),
        (FieldType.CHOICES, {"options": ("a", "b")}, [], "Not answered"),
        (FieldType.NUMBER, {}, 7.5, "7.5"),
        (FieldType.NUMBER, {}, 0, "0"),
        (FieldType.DATE, {}, "2024-02-29", "29 February 2024"),
        (FieldType.AGREEMENT, {}, True, "Agreed"),
        (FieldType.SIGNATURE, {}, "Jo Lind", "Jo Lind"),
        (FieldType.SCALE, {"least": 0, "most": 10}, 0, "0 (from 0 to 10)"),
        (FieldType.SCALE, {"least": 0, "most": 9, "most_label": "well"}, 3, "3 (9 is well)"),
        (
            FieldType.SCALE,
            {"least": 0, "most": 9, "least_label": "badly", "most_label": "well"},
            3,
            "3 (0 is badly, 9 is well)",
        ),
        (FieldType.TEXT, {}, None, "Not answered"),
        (FieldType.TEXT, {}, " ", "Not answered"),
    ],
)
def test_every_answer_is_read_in_words(type: FieldType, more: dict[str, Any], answer: Any, words: str) -> None:
    assert in_words(FormField(name="q", label="Q", type=type, **more), answer, {}) == words


def test_it_is_read_back_as_it_was_kept_and_its_hash_is_of_every_word() -> None:
    copy = signed_copy(SIGNING, salt="5a17")
    document = copy.document()
    assert SignedCopy.read(document) == copy
    assert hash_of(dict(reversed(document.items()))) == hash_of(document)
    for other in (
        replace(SIGNING, signature="Sara Linn"),
        replace(SIGNING, network=None),
        replace(SIGNING, read=Read(title="Fee policy", version=3, body="The full fee is due.")),
        replace(SIGNING, read=None),
        replace(SIGNING, practice=Letterhead(name="Riverside")),
    ):
        assert hash_of(signed_copy(other, salt="5a17").document()) != hash_of(document)


def test_who_knows_all_but_the_salt_cannot_try_out_answers() -> None:
    assert hash_of(signed_copy(SIGNING, salt="1").document()) != hash_of(signed_copy(SIGNING, salt="2").document())


def test_every_type_of_question_has_its_words() -> None:
    assert {piece.part for piece in signed_copy(SIGNING, salt="").pieces} == set(Part)
