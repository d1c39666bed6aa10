"""Passkeys: for which pages they are good, and what a counter tells."""

import pytest

from rules.accounts.passkeys import NoPasskeysThere, RelyingParty, default_name, relying_party, went_back


@pytest.mark.parametrize(
    ("url", "id", "origin"),
    [
        ("https://care.example", "care.example", "https://care.example"),
        ("https://Care.Example/staff", "care.example", "https://care.example"),
        ("https://care.example:443/staff", "care.example", "https://care.example"),
        ("https://care.example:8443", "care.example", "https://care.example:8443"),
        ("https://b\u00fccher.example", "xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("http://localhost:8080", "localhost", "http://localhost:8080"),
        ("http://localhost", "localhost", "http://localhost"),
        ("http://staff.localhost:8080", "staff.localhost", "http://staff.localhost:8080"),
    ],
)
def test_passkeys_are_of_a_host_and_pages_of_an_origin(url: str, id: str, origin: str) -> None:
    assert relying_party(url) == RelyingParty(id=id, origin=origin)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8000", "https://192.0.2.7", "https://[2001:db8::1]:443", "https://", "https://care..example"],
)
def test_what_is_no_name_of_a_host_has_none(url: str) -> None:
    with pytest.raises(NoPasskeysThere, match="the name of a host"):
        relying_party(url)


@pytest.mark.parametrize("url", ["http://care.example", "http://localhost.example", "http://notlocalhost"])
def test_without_encryption_there_are_none(url: str) -> None:
    with pytest.raises(NoPasskeysThere, match="https:// and on localhost alone"):
        relying_party(url)


@pytest.mark.parametrize(
    ("known", "said", "back"),
    [(0, 0, False), (0, 1, False), (1, 2, False), (1, 9, False), (1, 1, True), (2, 1, True), (1, 0, True)],
)
def test_a_counter_goes_on_or_is_none(known: int, said: int, back: bool) -> None:
    assert went_back(known=known, said=said) is back


def test_what_a_passkey_is_called() -> None:
    assert default_name(["internal", "hybrid"], synced=True) == "Synced passkey"
    assert default_name(["internal"], synced=False) == "Passkey of one device"
    assert default_name([], synced=False) == "Passkey of one device"
    assert default_name(["usb", "nfc"], synced=False) == "Security key"
