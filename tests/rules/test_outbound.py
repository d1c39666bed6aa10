"""Which given addresses are asked at all."""

import pytest

from rules.outbound import Trouble, is_public, trouble_with


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254"),
        *("0.0.0.0", "0.1.2.3"),  # noqa: S104
        *("100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1"),
        *("255.255.255.255", "192.88.99.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::7f00:1", "2002:7f00:1::", "2002:a00:1::"),
        *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2001:0:1::1", "2001:db8::1", "fec0::1", "100::1"),
        *("", "example.com", "2130706433", "0x7f000001", "127.1"),
    ],
)
def test_what_is_not_of_the_public_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "93.184.216.34", "2606:2800:220:1::1", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1"],
)
def test_what_is(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "trouble"),
    [
        ("https://site.example/hooks", None),
        ("https://site.example:8443/hooks?x=1", None),
        ("https://1.1.1.1/", None),
        ("http://site.example/hooks", Trouble.NOT_HTTPS),
        ("ftp://site.example/", Trouble.NO_ADDRESS),
        ("file:///etc/passwd", Trouble.NO_ADDRESS),
        ("site.example/hooks", Trouble.NO_ADDRESS),
        ("https://", Trouble.NO_ADDRESS),
        ("https://site.example:99999/", Trouble.NO_ADDRESS),
        ("https://site.example:0/", Trouble.NO_ADDRESS),
        ("https://[::1", Trouble.NO_ADDRESS),
        ("https://good.example\\@127.0.0.1/", Trouble.NO_ADDRESS),
        ("https://site.example/a b", Trouble.NO_ADDRESS),
        ("https://site.example/\nHost: x", Trouble.NO_ADDRESS),
        ("https://bücher.example/", Trouble.NO_ADDRESS),
        ("https://site.example/" + "x" * 2000, Trouble.NO_ADDRESS),
        ("https://me:secret@site.example/", Trouble.HAS_PASSWORD),
        ("https://@site.example/", Trouble.HAS_PASSWORD),
        ("https://localhost/", Trouble.PRIVATE_ADDRESS),
        ("https://x.localhost./", Trouble.PRIVATE_ADDRESS),
        ("https://printer.local/", Trouble.PRIVATE_ADDRESS),
        ("https://metadata.google.internal/", Trouble.PRIVATE_ADDRESS),
        ("https://127.0.0.1/", Trouble.PRIVATE_ADDRESS),
        ("https://[::1]/", Trouble.PRIVATE_ADDRESS),
        ("https://[::ffff:10.0.0.1]/", Trouble.PRIVATE_ADDRESS),
    ],
)
def test_an_address_by_its_letters(url: str, trouble: Trouble | None) -> None:
    assert trouble_with(url, private=False) == trouble


def test_what_a_private_network_and_a_password_excuse() -> None:
    assert trouble_with("http://127.0.0.1:8400/hooks", private=True) is None
    assert trouble_with("https://me:secret@site.example/", private=False, password=True) is None
    assert trouble_with("file:///etc/passwd", private=True) == Trouble.NO_ADDRESS


def test_every_trouble_has_a_sentence_of_its_own() -> None:
    assert len({trouble.sentence for trouble in Trouble}) == len(Trouble)
