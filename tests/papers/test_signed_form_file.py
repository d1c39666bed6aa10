"""A signed form as a PDF file: the kept copy word for word, and always the same bytes."""

from dataclasses import replace

from papers.signed_form import sentence_file, signed_form_file
from rules.forms.fields import FieldType, FormField
from rules.forms.signed import hash_of, signed_copy
from rules.money.receipts import Letterhead
from tests.papers.reading import said_by
from tests.rules.forms.test_signed import SIGNING

DOCUMENT = signed_copy(SIGNING, salt="5a17").document()


def test_it_says_all_that_was_kept_and_nothing_else() -> None:
    paper = signed_form_file(DOCUMENT)
    assert said_by(paper) == [
        "Riverside Practice",
        "12 Elm Street",
        "Sleep",
        "Version 3",
        "Please read this.",
        "It is about 48 hours.",
        "Fee policy",
        "Version 2",
        "The full fee is due.",
        "Did you sleep?",
        "Yes",
        "Whom we may call: Name",
        "Jo",
        "Scan",
        *said_by(signed_form_file(DOCUMENT))[14:16],  # the file with its hash, over two lines
        "Client Sara Lind (AB23CD45EF)",
        "Filled in by The client",
        "Signed with the name Sara Lind",
        "Signed at Tuesday 1 December 2026, 09:00 (New York time, EST)",
        "2026-12-01 14:00:07 UTC",
        "From the network 203.0.113.0/24",
        f"SHA-256 of this copy: {hash_of(DOCUMENT)}",
    ]
    assert paper.missing == 0


def test_headings_and_lists_of_a_text_look_like_it_and_answers_are_as_they_were_typed() -> None:
    why = FormField(name="why", label="Why?", type=FieldType.LONG_TEXT)
    body = "First.\n\n# What it costs\n\nThe fee.\n\n- One thing\n- Another"
    signing = replace(SIGNING, body=body, read=None, fields=(why,), answers={"why": "# not a heading\n- nor an item"})
    said = said_by(signed_form_file(signed_copy(signing, salt="").document()))
    told = ["First.", "What it costs", "The fee.", "\N{BULLET} One thing", "\N{BULLET} Another"]
    assert said[4:11] == [*told, "Why?", "# not a heading"]
    assert said[11] == "- nor an item"


def test_the_same_copy_is_the_same_file() -> None:
    assert signed_form_file(DOCUMENT).content == signed_form_file(DOCUMENT).content
    other = signed_copy(replace(SIGNING, signature="Sara Linn"), salt="5a17").document()
    assert signed_form_file(other).content != signed_form_file(DOCUMENT).content


def test_long_answers_go_over_pages_with_all_their_lines() -> None:
    why = FormField(name="why", label="W" * 200, type=FieldType.LONG_TEXT)
    answers = {"why": "\n".join(f"line {number}" for number in range(120)) + "\n" + "x" * 3000}
    paper = signed_form_file(signed_copy(replace(SIGNING, fields=(why,), answers=answers), salt="").document())
    said = said_by(paper)
    assert [line for line in said if line.startswith("line ")] == [f"line {number}" for number in range(120)]
    assert "".join(line for line in said if set(line) == {"x"}) == "x" * 3000


def test_what_cannot_be_shown_says_so() -> None:
    paper = sentence_file("This cannot be read.", practice=Letterhead(name="Riverside"), as_of=SIGNING.signed_at)
    assert said_by(paper) == ["Riverside", "This cannot be read."]
