"""What a line of text may hold: names stand in mails, in lists and on staff's screens, beside other words."""

import pytest
from pydantic import TypeAdapter, ValidationError

from api.bodies import Currency, Email, Line, Name, may_be_tests


@pytest.mark.parametrize("kind", [Name, Line])
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Ana\u202egnp.exe", "control characters"),  # from here on it is read from right to left
        ("\u2066Ana\u2069", "control characters"),
        ("Ana\u2028Silva", "control characters"),
        ("\u200b", "a character that shows"),  # a space without width
        (" \u200d\u00a0\ufeff", "a character that shows"),
        ("\u3164", "a character that shows"),  # a letter by its category, and blank: Hangul's fillers
        ("\u115f\u1160\uffa0", "a character that shows"),
        ("\u2800", "a character that shows"),  # Braille without a dot
        ("\ufe0f\u034f\u0301", "a character that shows"),  # marks, with nothing that they stand on
        ("\ue000\U000f0000\u0378", "a character that shows"),  # nobody's yet, or everybody's own
    ],
)
def test_what_hides_or_turns_words_is_no_line(kind: type, text: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        TypeAdapter(kind).validate_python(text)


@pytest.mark.parametrize("text", ["Zoë O'Neil-ß", "عمر حداد", "می\u200cخواهم", "李小龍", "👩\u200d⚕️", "-"])
def test_names_of_every_script_are_lines(text: str) -> None:
    assert TypeAdapter(Name).validate_python(text) == text


@pytest.mark.parametrize("domain", ["mail.test", "MAIL.TEST", "mail.local", "mail.invalid", "mail.localhost"])
def test_an_address_at_which_nothing_arrives_is_refused_in_words(domain: str) -> None:
    last = domain.rpartition(".")[2].lower()
    with pytest.raises(ValidationError, match=rf"must not end in \.{last}: no mail arrives at such a name"):
        TypeAdapter(Email).validate_python(f"sara@{domain}")


@pytest.mark.parametrize("domain", ["mail.test", "MAIL.TEST"])
def test_where_no_mail_is_sent_test_addresses_will_do(domain: str) -> None:
    before = may_be_tests.set(True)
    try:
        assert TypeAdapter(Email).validate_python(f"sara@{domain}") == "sara@mail.test"
        for wrong in ("sara@test", "sara@mail.local"):
            with pytest.raises(ValidationError):
                TypeAdapter(Email).validate_python(wrong)
    finally:
        may_be_tests.reset(before)


@pytest.mark.parametrize(("said", "code"), [("usd", "USD"), ("Eur", "EUR"), ("JPY", "JPY")])
def test_a_currency_is_taken_in_any_case(said: str, code: str) -> None:
    assert TypeAdapter(Currency).validate_python(said) == code


@pytest.mark.parametrize("said", ["us", "usdd", "ﬀa", "u$d", "", 840])
def test_what_is_no_code_is_no_currency(said: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Currency).validate_python(said)
