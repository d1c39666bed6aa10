"""Whether a mail is still wanted at the moment of sending: what holds for every mail, and then what its kind says."""

from rules.mail.kinds import MailKind
from rules.mail.terms import Button
from rules.mail.until import MailSituation


def not_wanted(kind: MailKind, situation: MailSituation) -> str | None:
    """Why a mail of this kind is not to be sent, for the history to read; None if it is wanted."""
    for reason in (_not_to_them, _not_of_its_times, _not_to_this_record):
        because = reason(kind, situation)
        if because:
            return because
    return next((because for over in kind.until if (because := over(situation))), None)


def _not_to_them(kind: MailKind, situation: MailSituation) -> str | None:
    """Mails of this kind do not go to this client now: archived, unsubscribed, or that part of the portal is off."""
    # That a person wrote to them is told also while they are archived, and says nothing of it.
    allowed = situation.asked_for or kind.while_archived or situation.by_person
    if situation.archived and not allowed:
        return "archived"
    if situation.unsubscribed and kind.is_stoppable(own_form=situation.own_form):
        return "unsubscribed"
    if kind.portal_part is not None and not situation.portal.get(kind.portal_part, True):
        return "this part of the portal is switched off"
    return None


def _not_of_its_times(kind: MailKind, situation: MailSituation) -> str | None:
    if (kind.tells_times or situation.moves) and not situation.scheduled:
        return "nothing of it is on any more"
    if situation.only_if_starts_at is not None and situation.only_if_starts_at not in situation.scheduled:
        return "the appointment has changed"
    return None


def _not_to_this_record(kind: MailKind, situation: MailSituation) -> str | None:
    if kind.button is Button.ACTIVATION and situation.account_active:
        return "the account is active"
    if situation.joined and not situation.names_rows:
        return "the client was joined into another record"
    return None
