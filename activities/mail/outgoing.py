"""A mail as the mail service gets it: what was rendered, to one reader, with the pictures that it shows."""

from collections.abc import Mapping

from activities.base import Dependencies
from activities.mail.rendering import RenderedMail
from activities.ports import Attachment, OutgoingMail
from rules.mail.orders import MailOrder

LOGO = "logo"
"""The id by which the HTML shows it: ``cid:logo``. It travels with the mail, so that nobody is asked for it."""


def outgoing(
    order: MailOrder,
    rendered: RenderedMail,
    *,
    to: str,
    to_name: str | None,
    deps: Dependencies,
    files: tuple[Attachment, ...] = (),
    headers: Mapping[str, str] | None = None,
) -> OutgoingMail:
    logo = deps.practice.logo
    shown = logo is not None and f"cid:{LOGO}" in rendered.html
    pictures = (
        (Attachment(filename=logo.filename, type=logo.type, content=logo.content, content_id=LOGO),)
        if logo is not None and shown
        else ()
    )
    return OutgoingMail(
        key=order.key,
        to=to,
        to_name=to_name,
        from_=deps.email_from,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        template=order.template,
        attachments=(*pictures, *files),
        headers=headers or {},
    )
