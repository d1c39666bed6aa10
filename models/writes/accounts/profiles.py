"""A therapist's profile, and who may act for it: its therapist is told, by mail. The caller commits."""

from dataclasses import replace
from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from models.reads.accounts.staff import account_of_therapist
from models.tables.booking.therapist import Therapist
from models.writes.outbox import order_practice_mail
from rules.accounts.caller import fold_email
from rules.mail.kinds import Mail
from rules.mail.orders import mail_order

_TOLD = Mail.PROFILE_ACCESS_CHANGED


async def tell_therapist(
    session: AsyncSession, therapist: Therapist, *, reason: str, at: datetime, but: str | None = None
) -> None:
    """Before the change, to the profile's address and to that of the account which acts for it; to neither of them
    where it is ``but`` this one, whose owner is told already. ``reason``: made of stable ids."""
    holder = await account_of_therapist(session, therapist.id)
    of_account = holder.email if holder is not None else None
    addresses = {fold_email(address): address for address in (of_account, therapist.email) if address}
    addresses.pop(fold_email(but or ""), None)
    for number, address in enumerate(addresses.values()):
        order = mail_order(_TOLD, key=f"{_TOLD}:{therapist.id}:{reason}:{number}", client_id="")
        await order_practice_mail(session, replace(order, therapist=therapist.slug), at=at, recipient=address)
