"""The practice: the addresses (URLs) that its mails may point to, with their ids and tokens, and whom they name."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlencode

from rules.accounts.sides import AccountSide
from rules.logo import Logo
from rules.mail.colours import HOUSE, Palette, palette_of
from rules.money.receipts import Letterhead


@dataclass(frozen=True, kw_only=True)
class Links:
    """Every address a mail may point to, in one place. Ids and tokens are quoted; the result has no
    trailing slash.
    """

    public_url: str
    staff_url: str = ""  # of the practice's own pages; empty: below the public ones

    def _page(self, *parts: str) -> str:
        return "/".join((self.public_url.rstrip("/"), *(quote(part, safe="") for part in parts)))

    def _staff_page(self, *parts: str) -> str:
        base = self.staff_url or f"{self.public_url.rstrip('/')}/staff"
        return "/".join((base.rstrip("/"), *(quote(part, safe="") for part in parts)))

    def booking(self, therapist_slug: str) -> str:
        return self._page("book", therapist_slug)

    def offered_time(self, therapist_slug: str, *, type: str, starts_at: datetime, hold_id: str) -> str:
        """Where a client takes a time that is held for them. ``starts_at``: aware; written in UTC."""
        instant = starts_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        asked = urlencode({"type": type, "starts_at": instant, "hold_id": hold_id})
        return f"{self.booking(therapist_slug)}?{asked}"

    def activation(self, token: str) -> str:
        return self._page("activate", token)

    def reset(self, token: str, side: AccountSide) -> str:
        """Where a new password is set."""
        return self._staff_page("reset", token) if side is AccountSide.STAFF else self._page("reset", token)

    def new_address(self, token: str, side: AccountSide) -> str:
        """Where a new address is confirmed."""
        return self._staff_page("email", token) if side is AccountSide.STAFF else self._page("email", token)

    def invitation(self, token: str) -> str:
        """Where somebody of the practice chooses a password."""
        return self._staff_page("invitations", token)

    def approvals(self) -> str:
        """Where whoever may settles what waits for a second person."""
        return self._staff_page("approvals")

    def join(self, token: str) -> str:
        """Joins a new booking to the record that already has this address."""
        return self._page("join", token)

    def unsubscribe(self, token: str) -> str:
        """Ends the reminders to one client at one address."""
        return self._page("unsubscribe", token)

    def forms(self) -> str:
        return self._page("forms")

    def chats(self) -> str:
        """Where a client's messages wait."""
        return self._page("chats")

    def staff_chats(self) -> str:
        """Where those of the practice wait."""
        return self._staff_page("chats")

    def documents(self) -> str:
        return self._page("documents")

    def goals(self) -> str:
        return self._page("goals")

    def card(self) -> str:
        """Where a client gives a new card."""
        return self._page("card")

    def payment(self, payment_id: str) -> str:
        """Where a client confirms or pays one payment."""
        return self._page("payments", payment_id)

    def appointments(self) -> str:
        """A client's own, where they are moved and cancelled."""
        return self._page("appointments")

    def staff_appointment(self, appointment_id: str) -> str:
        """One appointment for the practice: where it is joined, and how it went is said."""
        return self._staff_page("appointments", appointment_id)

    def client(self, client_id: str) -> str:
        """A client's page for the practice."""
        return self._staff_page("clients", client_id)

    def task(self, task_id: str) -> str:
        """Where the care team settles one task."""
        return self._staff_page("tasks", task_id)


@dataclass(frozen=True, kw_only=True)
class Practice:
    """What the practice calls itself, how its mails look, and whom they name. ``colour``: one that
    `rules.mail.colours` takes."""

    letterhead: Letterhead
    care_team_email: str
    insurance_email: str
    logo: Logo | None = None
    colour: str = HOUSE

    @property
    def name(self) -> str:
        return self.letterhead.name

    @property
    def address(self) -> str:
        """On one line; empty where none is set."""
        return self.letterhead.address

    @property
    def palette(self) -> Palette:
        return palette_of(self.colour)


@dataclass(frozen=True, kw_only=True)
class Witness:
    """Who keeps the anchors of the chains, outside of the database: a mailbox, a file that is added to, or both."""

    email: str | None = None
    file: Path | None = None
