"""What is found wrong with a mail that was rendered."""

import pytest

from rules.mail.shape import addresses_of, html_faults, spoken, subject_faults, time_faults

NOON = "Tuesday 1 December 2026, 12:00 (New York time, EST)"


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"On {NOON}.",
        f"On {NOON}, until Tuesday 1 December 2026, 12:00 (UTC).",
        "On Tuesday 1 December 2026, 17:45 (Kathmandu time, UTC+05:45)",
        "On Tuesday 1 December 2026",
    ],
)
def test_times_with_their_zone_are_well(text: str) -> None:
    assert list(time_faults(text)) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("At 12:00.", "a time without its zone: 'At 12:00.'"),
        ("On Tuesday 1 December 2026, 12:00.", "without its zone"),
        ("On Tuesday 1 December 2026, 12:00 (50 minutes)", "without its zone"),
        (f"{NOON}, which is 18:00 at home", "without its zone"),
        (f"{NOON}. So: {NOON}.", "more than once"),
    ],
)
def test_a_time_without_a_zone_and_one_told_twice_are_found(text: str, fault: str) -> None:
    [found] = time_faults(text)
    assert fault in found


@pytest.mark.parametrize(
    ("subject", "fault"),
    [
        (" ", "empty"),
        ("x" * 181, "181 signs"),
        ("Your therapy session", "'therap'"),
        ("About the ARCHIVE", "'ARCHIV'"),
        ("Payment failed", "'fail'"),
        ("For Sara", "'Sara'"),
        ("At 10:00", "without its zone"),
    ],
)
def test_a_subject_tells_nobody(subject: str, fault: str) -> None:
    [found] = subject_faults(subject, names=("Sara",))
    assert fault in found


def test_a_subject_that_tells_nothing_is_well() -> None:
    assert list(subject_faults(f"Your appointment on {NOON}", names=("Sara", "Ann"))) == []


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<img src="https://x.example/a.png" alt="">', "would be fetched"),
        ('<img src="//x.example/a.png" alt="">', "would be fetched"),
        ('<img src="cid:logo">', "no alt text"),
        ('<td background="a.png">', "would be fetched"),
        ('<p style="background:url(a.png)">', "a style would fetch"),
        ("<style>p { background: URL (a.png) }</style>", "a style would fetch"),
        ("<style>@import 'a.css';</style>", "a style would fetch"),
        ("<script>alert(1)</script>", "no <script>"),
        ('<form action="https://x.example"></form>', "no <form>"),
        ('<meta http-equiv="Refresh" content="0">', "leads away"),
        ('<p onclick="x()">', "run no onclick"),
        ('<a href="javascript:x()">', "no web or mail address"),
        ("<p>" + "x" * 100_000, "cut it off"),
    ],
)
def test_html_that_asks_somebody_or_says_nothing_is_found(html: str, fault: str) -> None:
    [found] = html_faults(html)
    assert fault in found


def test_html_is_read_as_its_reader_does() -> None:
    link = '<a href="https://x.example/?a=1&amp;b=2">Sara</a>'
    html = f'<style>p {{ color: red }}</style><p>Hello&nbsp;{link}</p><img src="cid:logo" alt="">'
    assert list(html_faults(html)) == []
    assert addresses_of(html) == {"https://x.example/?a=1&b=2"}
    assert spoken(html) == "Hello Sara"
