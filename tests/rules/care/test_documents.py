"""What may be kept as a document, told by what is in the file."""

import zipfile
from io import BytesIO

import pytest

from rules.care.documents import ENDINGS, LONGEST_NAME, MOST_BYTES, KeptDocument, clean_name, content_disposition, judge
from rules.refusals import Problem, Refusal

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SLIDES = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
OPEN_TEXT = "application/vnd.oasis.opendocument.text"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
WIDE = "a%EF%BC%8Fb%EF%BC%9Ac%EF%BC%BCd%EF%BC%82.pdf"


def zipped(*parts: str, mimetype: str | None = None, compression: int = zipfile.ZIP_STORED) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        if mimetype is not None:
            archive.writestr("mimetype", mimetype)
        for part in parts:
            archive.writestr(part, "x")
    return file.getvalue()


def office(part: str, *more: str) -> bytes:
    return zipped("[Content_Types].xml", part, *more)


@pytest.mark.parametrize(
    ("content", "filename", "kind", "kept_as"),
    [
        (PDF, "plan.pdf", "application/pdf", "plan.pdf"),
        (PDF, "PLAN.PDF", "application/pdf", "PLAN.PDF"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a.png", "image/png", "a.png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "a.jpeg", "image/jpeg", "a.jpeg"),
        (b"GIF89a\x01\0", "a.gif", "image/gif", "a.gif"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "a.webp", "image/webp", "a.webp"),
        (b"{\\rtf1 hello}", "a.rtf", "application/rtf", "a.rtf"),
        (office("word/document.xml"), "a.docx", WORD, "a.docx"),
        (office("xl/workbook.xml"), "a.xlsx", SHEET, "a.xlsx"),
        (office("ppt/presentation.xml"), "a.pptx", SLIDES, "a.pptx"),
        (zipped("content.xml", mimetype=OPEN_TEXT), "a.odt", OPEN_TEXT, "a.odt"),
        (b"Breathe in, breathe out.\n", "a.txt", "text/plain", "a.txt"),
        ("\ufeffFüße, 足".encode(), "a.md", "text/plain", "a.md"),
        (b"day,mood\nmon,3\n", "a.csv", "text/csv", "a.csv"),
        (b"MZ were my initials.", "a.txt", "text/plain", "a.txt"),
        # What it is called counts for nothing, and is made to fit what it is.
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "report.pdf", "image/png", "report.pdf.png"),
        (office("word/document.xml"), "report", WORD, "report.docx"),
        (b"@echo off\r\nformat c:\r\n", "setup.bat", "text/plain", "setup.bat.txt"),
        (b"hello <b>you</b>", "page.html", "text/plain", "page.html.txt"),
    ],
)
def test_a_kind_is_told_by_the_content(content: bytes, filename: str, kind: str, kept_as: str) -> None:
    assert judge(content, filename=filename) == KeptDocument(content_type=kind, filename=kept_as)
    assert kept_as.lower().endswith(ENDINGS[kind])


@pytest.mark.parametrize(
    ("content", "because"),
    [
        (b"MZ\x90\0\x03\0\0\0", "is a program"),
        (b"\x7fELF\x02\x01\x01\0", "is a program"),
        (b"\xcf\xfa\xed\xfe\x07\0\0\x01", "is a program"),
        (b"\xca\xfe\xba\xbe\0\0\0\x34", "is a program"),
        (b"#!/bin/sh\nrm -rf ~\n", "is a program"),
        (b"L\0\0\0\x01\x14\x02\0\0\0", "is a program"),
        (b"<!DOCTYPE html><title>x</title>", "looks like .x"),
        (b"\n <SCRIPT>alert(1)</SCRIPT>", "looks like .x"),
        (b"\xef\xbb\xbf<svg xmlns='http://www.w3.org/2000/svg'/>", "looks like .x"),
        (b"<?xml version='1.0'?><svg/>", "looks like .x"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "looks like .x"),
        ("Füße".encode("latin-1"), "looks like .x"),
        (b"one\0two", "looks like .x"),
        (b"RIFF\x24\0\0\0AVI LIST", "looks like .x"),
        (b"\0%PDF-1.7", "looks like .x"),
        (b"PK\x03\x04 broken", "looks like .x"),
        (zipped("holiday.jpg"), "looks like .x"),
        (zipped("META-INF/MANIFEST.MF", "A.class"), "looks like .x"),
        (office("word/document.xml", "word/vbaProject.bin"), "looks like .x"),
        (office("word/document.xml", "xl/workbook.xml"), "looks like .x"),
        (zipped("content.xml", mimetype="application/zip"), "looks like .x"),
        (zipped("content.xml", mimetype=OPEN_TEXT, compression=zipfile.ZIP_DEFLATED), "looks like .x"),
        (zipped("content.xml", "Basic/Standard/script-lb.xml", mimetype=OPEN_TEXT), "looks like .x"),
    ],
)
def test_what_is_no_document_is_refused_by_name(content: bytes, because: str) -> None:
    refused = judge(content, filename="../invoice.pdf", looks_like=".x")
    assert isinstance(refused, Refusal)
    assert refused.name is Problem.VALIDATION_FAILED
    assert refused.detail.startswith("The file invoice.pdf is ")
    assert because in refused.detail
    [error] = refused.data["errors"]
    assert error["field"] == "file"
    assert "PDF" in error["message"]


def test_nothing_and_too_much() -> None:
    assert isinstance(judge(b"", filename="a.txt"), Refusal)
    assert isinstance(judge(b"a" * MOST_BYTES, filename="a.txt"), KeptDocument)
    too_large = judge(b"a" * (MOST_BYTES + 1), filename="a.txt")
    assert isinstance(too_large, Refusal)
    assert "10485760 bytes" in too_large.detail


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("a plan.pdf", "a plan.pdf"),
        ("C:\\Users\\Ana\\plan.pdf", "plan.pdf"),
        ("../../etc/passwd", "passwd"),
        ("plan.pdf\r\nSet-Cookie: a=b", "plan.pdf Set-Cookie_ a=b"),
        ('a"; filename="b.exe', "a_; filename=_b.exe"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("<script>.pdf", "_script_.pdf"),
        (" ..hidden. ", "hidden"),
        ("con.pdf", "_con.pdf"),
        ("Cafe\u0301.pdf", "Caf\u00e9.pdf"),
        ("", "document"),
        ("/", "document"),
        ("x" * 500 + ".pdf", "x" * (LONGEST_NAME - 4) + ".pdf"),
    ],
)
def test_a_name_is_cleaned(said: str, kept: str) -> None:
    assert clean_name(said) == kept


@pytest.mark.parametrize("said", ["x" * 500, "y" * 500 + ".docx", "z" * 199 + ".a"])
def test_a_long_name_still_ends_as_it_should(said: str) -> None:
    kept = judge(PDF, filename=said)
    assert isinstance(kept, KeptDocument)
    assert kept.filename.endswith(".pdf")
    assert len(kept.filename) <= LONGEST_NAME


@pytest.mark.parametrize(
    ("filename", "header"),
    [
        ("plan.pdf", "attachment; filename=\"plan.pdf\"; filename*=UTF-8''plan.pdf"),
        ("Füße 1.pdf", "attachment; filename=\"Fue 1.pdf\"; filename*=UTF-8''F%C3%BC%C3%9Fe%201.pdf"),
        ("足", "attachment; filename=\"document\"; filename*=UTF-8''%E8%B6%B3"),
        ("a／b：c＼d＂.pdf", "attachment; filename=\"a_b_c_d_.pdf\"; filename*=UTF-8''" + WIDE),
        ("ＣＯＮ.txt", "attachment; filename=\"_CON.txt\"; filename*=UTF-8''%EF%BC%A3%EF%BC%AF%EF%BC%AE.txt"),
        ("a;b%41.pdf", "attachment; filename=\"a_b_41.pdf\"; filename*=UTF-8''a%3Bb%2541.pdf"),
    ],
)
def test_the_header_names_the_file_for_every_reader(filename: str, header: str) -> None:
    assert content_disposition(filename) == header
    header.encode("ascii")
