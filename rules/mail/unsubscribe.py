"""Whom an unsubscribe link speaks for: a client, at the address that the mail went to."""

from hashlib import sha256

from rules.accounts.caller import fold_email

PURPOSE = "unsubscribe"  # what the key of these links is derived for


def address_mark(address: str) -> str:
    """An address as a link or a task names it without showing it: the same for two spellings of one address."""
    return sha256(fold_email(address).encode()).hexdigest()[:32]


def list_unsubscribe(link: str) -> dict[str, str]:
    """The headers by which mail programs offer to unsubscribe with one click (RFC 8058)."""
    return {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
