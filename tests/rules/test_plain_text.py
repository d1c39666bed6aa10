"""What people wrote, before it is shown."""

import pytest

from rules.plain_text import is_storable, is_web_address, one_line


def test_one_line_keeps_letters_and_drops_tricks() -> None:
    assert one_line(" a\r\n\tb\u2028c\x00d \u202eevil\u202c ") == "a b c d evil"
    assert one_line("می\u200cخواهم") == "می\u200cخواهم"  # a joiner that belongs to the word


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ("https://meet.example/room?id=7&key=a", True),
        ("HTTP://meet.example", True),
        ("javascript:alert(1)", False),
        ("https://", False),
        ("https://meet.example/a b", False),
        ("https://meet.example/\r\nX-EVIL:1", False),
        ('https://meet.example/"onclick=', False),
    ],
)
def test_only_a_web_address_becomes_a_link(value: str, is_one: bool) -> None:
    assert is_web_address(value) == is_one


@pytest.mark.parametrize(
    ("value", "is_one"), [("Sara", True), ("", True), ("a\0", False), ("a\ud800", False), (7, False)]
)
def test_only_whole_text_is_kept(value: object, is_one: bool) -> None:
    assert is_storable(value) == is_one
