"""The table of mails: every entry whole and held against what it names, and no mail known anywhere else."""

import re
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import get_type_hints
from zoneinfo import ZoneInfo

import pytest

from activities.mail.buttons import OF_ACCOUNTS, OF_THE_PRACTICE, PAGES, WITH_TOKEN
from activities.mail.context import MailContext
from activities.mail.rendering import TEMPLATE_ROOT
from models.tables.clients.client import PORTAL_SETTINGS
from rules.archive.wording import reminder_words
from rules.journey.reminders import mail_due
from rules.mail.kinds import MAILS, Mail, MailKind, UnknownMail, kind_of, to_both_sides
from rules.mail.orders import MailOrder, mail_order
from rules.mail.terms import NAMED_BY, Button, Reader, Stopped, Topic
from workflows.shown.words import label_of

ROOT = Path(__file__).resolve().parents[3]
PRODUCT = ("activities", "api", "calendars", "engine", "local", "models", "papers", "rules", "workflows")
PROGRAMS = ("config/settings.py", "dev.py", "server.py", "worker.py")
HOME = "rules/mail/kinds.py"
# Names that other things have too: facts, tasks, what a feed tells, a signal.
NAMESAKES = {
    "rules/timeline.py": {
        Mail.APPOINTMENT_CANCELLED,
        Mail.APPOINTMENT_RESCHEDULED,
        Mail.DOCUMENT_SHARED,
        Mail.FORMS_REQUESTED,
        Mail.PAYMENT_FAILED,
        Mail.TASK_OPENED,
    },
    "rules/enums.py": {Mail.PAYMENT_FAILED},
    "rules/care/feed.py": {Mail.APPOINTMENT_CANCELLED, Mail.APPOINTMENT_RESCHEDULED, Mail.CLIENT_BACK},
    "workflows/messages.py": {Mail.DOCUMENT_SHARED},
    "models/tables/accounts/token.py": {Mail.INVITATION},
}
EVERY = pytest.mark.parametrize(("mail", "kind"), MAILS.items(), ids=lambda one: str(one) if one in MAILS else "")


def test_there_is_an_entry_and_a_folder_for_each_name() -> None:
    assert list(MAILS.keys() ^ set(Mail)) == []
    folders = {path.name for path in TEMPLATE_ROOT.iterdir() if path.is_dir() and path.name != "_layout"}
    assert folders == {mail.value for mail in Mail}


@EVERY
def test_what_it_needs_is_what_a_mail_can_be_told(mail: Mail, kind: MailKind) -> None:
    assert kind.parts <= {part.name for part in fields(MailContext)}
    assert ("link" in kind.parts) <= (kind.button is not None)
    assert ("link_expires_at" in kind.parts) == (kind.button in {*WITH_TOKEN, *OF_ACCOUNTS})
    assert (kind.button in {*OF_ACCOUNTS, *OF_THE_PRACTICE}) <= (kind.to is Reader.ACCOUNT)
    assert ("appointments" in kind.parts) == (Topic.APPOINTMENTS in kind.about)
    assert ("forms" in kind.parts) == (Topic.FORMS in kind.about)


def test_what_its_order_names_is_a_field_of_the_order() -> None:
    assert set(NAMED_BY.values()) <= get_type_hints(MailOrder).keys()
    assert MAILS[Mail.RECEIPT].ids == {"payment_id"}
    assert MAILS[Mail.FORMS_REMINDER].ids == set()


def test_every_destination_of_a_button_is_a_page() -> None:
    assert sorted([*PAGES, *WITH_TOKEN, *OF_ACCOUNTS, *OF_THE_PRACTICE], key=str) == sorted(Button, key=str)


@EVERY
def test_what_belongs_to_the_portal_or_can_be_stopped_is_the_clients(mail: Mail, kind: MailKind) -> None:
    assert kind.portal_part is None or kind.portal_part in PORTAL_SETTINGS
    if kind.portal_part is not None or kind.stopped is not Stopped.NEVER or kind.to_its_owner:
        assert kind.to is Reader.CLIENT
    assert ("unsubscribe_link" in kind.parts) == (kind.stopped is Stopped.ALWAYS)
    assert not (kind.vital and kind.stopped is Stopped.ALWAYS)  # a reminder is rather not sent twice


@EVERY
def test_the_mail_that_takes_its_place_or_goes_beside_it_fits(mail: Mail, kind: MailKind) -> None:
    if kind.therapist_hears is not None:
        assert MAILS[kind.therapist_hears].to is Reader.THERAPIST
        assert MAILS[kind.therapist_hears].vital == kind.vital
        assert to_both_sides(mail) == (mail, kind.therapist_hears)
    if kind.if_address_is_anothers is not None:
        instead = MAILS[kind.if_address_is_anothers]
        assert (instead.to, instead.vital, instead.ids) == (kind.to, kind.vital, kind.ids)


def test_an_order_is_made_as_its_kind_wants_it_and_is_plain_text() -> None:
    order = mail_order(Mail.TASK_OPENED, key="k", client_id="c")
    assert (order.template, order.to, order.vital) == ("task_opened", "care_team", False)
    assert {type(order.template), type(order.to)} == {str}  # as it stands in histories
    assert mail_order(Mail.RECEIPT, key="k", client_id="c").vital


def test_an_unknown_name_is_refused() -> None:
    assert kind_of("receipt") is MAILS[Mail.RECEIPT]
    with pytest.raises(UnknownMail):
        kind_of("receipts")


def test_every_timed_mail_has_its_words_in_an_archives_preview() -> None:
    source = (ROOT / "rules/journey/reminders.py").read_text()
    timed = {Mail[name] for name in re.findall(r"\bMail\.([A-Z_]+)", source)} | {Mail.NEW_MESSAGE}
    assert {mail for mail, kind in MAILS.items() if kind.in_preview} == timed
    assert {mail for mail, kind in MAILS.items() if kind.in_ui or kind.even_late} <= timed


@pytest.mark.parametrize(
    ("mail", "in_ui", "in_preview"),
    [
        (Mail.CARD_EXPIRING, "mail that the saved card stops working", "notice that the saved card stops working"),
        (Mail.MARK_OUTCOME, "asking the therapist for the outcome", "asking the therapist for the outcome"),
        (Mail.BOOK_FIRST, "mail book first", "reminder to book"),
    ],
)
def test_a_timed_mail_is_named_in_words(mail: Mail, in_ui: str, in_preview: str) -> None:
    at = datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert label_of(mail_due(mail, at, "reason", since=at)) == in_ui
    assert reminder_words(mail.value, at, zone=ZoneInfo("UTC")) == f"{in_preview} on Tue 1 Dec 2026, 09:00"


def product() -> list[tuple[str, str]]:
    files = [path for folder in PRODUCT for path in (ROOT / folder).rglob("*.py") if "migrations" not in path.parts]
    files += [ROOT / name for name in PROGRAMS]
    return [(path.relative_to(ROOT).as_posix(), path.read_text()) for path in files]


def test_its_name_is_written_nowhere_else() -> None:
    """A mail is named by `Mail`, so that a typing error is found before it runs."""
    names = re.compile(rf"""["']({"|".join(Mail)})["':]""")
    found = {
        path: {Mail(name) for name in names.findall(text)} - NAMESAKES.get(path, set()) for path, text in product()
    }
    assert {path: named for path, named in found.items() if named and path != HOME} == {}


def test_nobody_decides_by_its_name() -> None:
    """What is to be known of a mail is asked of its kind."""
    branch = re.compile(r"\.template (?:==|!=|is|in|not in) (?!MAILS\b)|match \w*\.?template\b")
    assert [path for path, text in product() if branch.search(text)] == []
