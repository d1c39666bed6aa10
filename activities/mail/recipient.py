"""Who reads a mail: the address, and how its reader is greeted and told the time."""

from dataclasses import dataclass, replace

from activities.mail.about import About
from activities.practice import Practice
from rules.mail.kinds import MailKind
from rules.mail.orders import MailOrder
from rules.mail.terms import Reader


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """``time_zone``: an IANA zone, in which the mail tells times."""

    address: str
    name: str | None
    greeting: str
    time_zone: str


def recipient_of(
    order: MailOrder, kind: MailKind, about: About, *, practice: Practice, time_zone: str, tester: str | None
) -> Recipient | None:
    """Who reads it; None if there is no address. ``time_zone``: the practice's. ``tester``: where every mail of a test
    client goes, worded as it would be for whom it is meant."""
    to = _meant_for(order, kind, about, practice=practice, time_zone=time_zone)
    return replace(to, address=tester, name=None) if to is not None and tester is not None else to


def _meant_for(
    order: MailOrder, kind: MailKind, about: About, *, practice: Practice, time_zone: str
) -> Recipient | None:
    therapist = about.therapist
    if order.to == Reader.CARE_TEAM:
        return Recipient(address=practice.care_team_email, name=None, greeting="", time_zone=time_zone)
    zone = therapist.time_zone if therapist else time_zone
    if order.to == Reader.THERAPIST:
        if therapist is None:
            return None
        return Recipient(address=therapist.email, name=therapist.name, greeting=therapist.name, time_zone=zone)
    reader = about.client
    if kind.to_its_owner and about.owner is not None and about.owner.email is not None:
        # To the address as its owner gave it: two spellings that compare equal may be two mailboxes.
        reader = about.owner
    if reader.email is None:
        return None
    return Recipient(
        address=reader.email,
        name=reader.full_name,
        greeting=reader.first_name or "",
        time_zone=reader.time_zone or zone,
    )
