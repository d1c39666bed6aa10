"""A receipt as a PDF file: all that it says, whatever names are in it, and always the same bytes."""

import hashlib
import io
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image
from pypdf import PdfReader

from local.processes import ROOT
from papers.receipt import receipt_file
from papers.sheet import MISSING, SIGNS_ARE_MISSING
from rules.logo import Logo
from rules.money.currencies import in_full
from rules.money.fees import CHARGEABLE, Money
from rules.money.receipts import GivenBack, GivenTo, Letterhead, Licence, Practitioner, Receipt, Stated
from tests.papers.reading import said_by, size_of

AT = datetime(2026, 12, 1, 14, 0, tzinfo=UTC)  # 09:00 in New York
STATED = Stated(
    practice=Letterhead(name="Riverside Practice", address="12 Elm Street, Albany, NY 12203", tax_id="12-3456789"),
    therapist=Practitioner(name="Ana Silva", credentials="LCSW", licences=(Licence(state="NY", number="085512"),)),
    client_name="Sara Lind",
    client_ref="AB23CD45EF",
    time_zone="America/New_York",
)
RECEIPT = Receipt(
    number="3F2A-91C0-77DE",
    stated=STATED,
    service="Therapy session, 50 minutes",
    starts_at=AT,
    paid_at=AT + timedelta(hours=25),
    fee=Money(12000, "EUR"),
    credit=2000,
    given_back=(
        GivenBack(amount=500, to=GivenTo.CREDIT, at=AT + timedelta(days=3)),
        GivenBack(amount=1000, to=GivenTo.CARD, at=AT + timedelta(days=4), on_its_way=True),
    ),
)


def named(name: str) -> Receipt:
    return replace(RECEIPT, stated=replace(STATED, client_name=name))


def test_it_says_all_that_a_receipt_must_and_nothing_else() -> None:
    paper = receipt_file(RECEIPT)
    assert said_by(paper) == [
        "Riverside Practice",
        "12 Elm Street, Albany, NY 12203",
        "Tax number: 12-3456789",
        "Receipt 3F2A-91C0-77DE",
        "For Sara Lind (AB23CD45EF)",
        "Service Therapy session, 50 minutes",
        "On Tuesday 1 December 2026, 09:00 (New York time, EST)",
        "With Ana Silva, LCSW",
        "Licence: NY 085512",
        "Paid on Wednesday 2 December 2026, 10:00 (New York time, EST)",
        "Fee €120.00 EUR",
        "Paid from credit €20.00 EUR",
        "Paid by card €100.00 EUR",
        "Given back as credit, Friday 4 December 2026 −€5.00 EUR",
        "Given back to the card, on its way, Saturday 5 December 2026 −€10.00 EUR",
        "Paid in total €105.00 EUR",
    ]
    assert paper.missing == 0


def test_what_is_not_known_is_left_out() -> None:
    bare = replace(STATED, practice=Letterhead(name="Riverside"), therapist=Practitioner(name="Ana Silva"))
    said = said_by(receipt_file(replace(RECEIPT, stated=bare, credit=12000, given_back=())))
    assert said[:2] == ["Riverside", "Receipt 3F2A-91C0-77DE"]
    assert said[-3:] == ["Fee €120.00 EUR", "Paid from credit €120.00 EUR", "Paid in total €120.00 EUR"]
    assert not [line for line in said if "Licence" in line or "Tax" in line or "card" in line]


def test_of_a_test_client_it_says_that_no_money_moved() -> None:
    assert said_by(receipt_file(replace(RECEIPT, test=True)))[0] == "Test: no money moved."
    assert "Test" not in " ".join(said_by(receipt_file(RECEIPT)))


def test_the_same_content_is_the_same_file_whoever_makes_it_and_when() -> None:
    made = hashlib.sha256(receipt_file(RECEIPT).content).hexdigest()
    assert hashlib.sha256(receipt_file(RECEIPT).content).hexdigest() == made
    told = subprocess.run(
        [sys.executable, "-c", "import tests.papers.test_receipt_file as t; print(t.digest())"],
        cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": "7"}, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert told.stdout.strip() == made
    assert hashlib.sha256(receipt_file(named("Sara Linn")).content).hexdigest() != made


def digest() -> str:
    return hashlib.sha256(receipt_file(RECEIPT).content).hexdigest()


@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_the_logo_stands_above_the_name_and_says_whose_it_is(format: str) -> None:
    drawn = io.BytesIO()
    Image.new("RGB", (480, 120), "#1f6a5d").save(drawn, format)
    logo = Logo(content=drawn.getvalue(), type=f"image/{format.lower()}", width=480, height=120)
    paper, bare = receipt_file(RECEIPT, logo=logo), receipt_file(RECEIPT)
    assert said_by(paper) == said_by(bare)
    [page] = PdfReader(io.BytesIO(paper.content)).pages
    [image] = page.images
    assert image.image is not None
    assert image.image.size == (480, 120)
    assert len(PdfReader(io.BytesIO(bare.content)).pages[0].images) == 0
    assert receipt_file(RECEIPT, logo=logo).content == paper.content


def test_its_date_is_that_of_the_last_thing_it_tells() -> None:
    read = PdfReader(io.BytesIO(receipt_file(RECEIPT).content))
    assert read.metadata is not None
    assert read.metadata.creation_date == AT + timedelta(days=4)
    assert read.metadata.title == "Riverside Practice"


@pytest.mark.parametrize(
    "name", ["Σάρα Λιντ", "Сара Линд", "Zoë Łukasz Đặng", "Sa\N{COMBINING ACUTE ACCENT}ra", "O’Neil"]
)
def test_names_in_latin_greek_and_cyrillic_are_printed(name: str) -> None:
    paper = receipt_file(named(name))
    assert paper.missing == 0
    assert SIGNS_ARE_MISSING not in said_by(paper)


@pytest.mark.parametrize(
    ("name", "missing"), [("李明", 2), ("שרה", 3), ("سارة", 4), ("Sara \N{WINKING FACE}", 1), ("\ue000", 1)]
)
def test_other_letters_are_marked_and_the_paper_says_so(name: str, missing: int) -> None:
    paper = receipt_file(named(name))
    said = said_by(paper)
    assert paper.missing == missing
    assert said[-1] == SIGNS_ARE_MISSING
    [whose] = [line for line in said if line.startswith("For ")]
    assert whose.count(MISSING) == missing


@pytest.mark.parametrize(
    "name",
    ["a" * 400, "word " * 80, "", "\u202eSara", "Sara\nPaid in total", "{nb} **x** --y--", "\U0010ffff" * 3, "\x00"],
)
def test_no_name_breaks_it_or_adds_a_line(name: str) -> None:
    said = said_by(receipt_file(named(name)))
    assert said[-1] in ("Paid in total €105.00 EUR", SIGNS_ARE_MISSING)
    assert [line for line in said if line.startswith("Paid in total")] == ["Paid in total €105.00 EUR"]


def test_every_currency_can_be_printed() -> None:
    for currency in sorted(CHARGEABLE):
        fee = Money(12000, currency)
        paper = receipt_file(replace(RECEIPT, fee=fee, credit=0, given_back=()))
        assert paper.missing == 0, currency
        assert f"Fee {in_full(12000, currency)}" in said_by(paper), currency


def test_its_format_is_that_of_the_country() -> None:
    letter, a4 = (612, 792), (595, 842)
    for country, size in (("US", letter), ("DE", a4)):
        practice = replace(STATED.practice, country=country)
        assert size_of(receipt_file(replace(RECEIPT, stated=replace(STATED, practice=practice))).content) == size
