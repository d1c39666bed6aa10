"""What holds for every mail there is."""

import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from jinja2 import UndefinedError

from activities.mail.context import MailAppointment, MailContext
from activities.mail.overrides.checking import faults_of
from activities.mail.overrides.samples import FULL, JOIN, LATE, NAMES, SESSION, each_way, weekly
from activities.mail.rendering import (
    FILES,
    TEMPLATE_ROOT,
    IncompleteMail,
    OwnTemplate,
    Templates,
    names_of,
    render,
    render_names,
)
from rules.logo import Logo
from rules.mail.colours import HOUSE
from rules.mail.kinds import MAILS, Mail, UnknownMail
from rules.mail.shape import addresses_of, html_faults, spoken, subject_faults, time_faults
from rules.mail.terms import Reader, Stopped
from rules.money.receipts import Letterhead, Licence, Practitioner, Stated
from rules.time_words import local_time

ALL = sorted(MAILS)
REMINDERS = frozenset(name for name, kind in MAILS.items() if kind.stopped is Stopped.ALWAYS)
ASKING_FOR_FORMS = frozenset(name for name, kind in MAILS.items() if kind.stopped is Stopped.FOR_OWN_FORMS)
OF_MANY = (
    "appointment_booked",
    "appointment_cancelled",
    "appointment_changed",
    "appointment_rescheduled",
    "appointment_updated",
    "booking_confirmation",
    "leave_notice",
)
NASTY = 'Eve <script>alert("x")</script> & Co\r\nBcc: everybody@evil.example'


def without(context: MailContext, part: str) -> MailContext:
    nothing: Any = () if isinstance(getattr(context, part), tuple) else None
    return replace(context, **{part: nothing})


def hrefs(html: str) -> set[str]:
    return {unescape(address) for address in re.findall(r'href="([^"]*)"', html)}


def test_there_is_one_folder_for_each_mail() -> None:
    folders = {path.name for path in TEMPLATE_ROOT.iterdir() if path.is_dir() and path.name != "_layout"}
    assert folders == {mail.value for mail in MAILS}
    for folder in folders:
        assert {path.name for path in (TEMPLATE_ROOT / folder).iterdir()} == {
            "subject.txt",
            "body.txt",
            "body.html",
        }


@pytest.mark.parametrize("template", ALL)
def test_it_renders_from_everything_and_from_what_it_needs(template: Mail) -> None:
    for _, context in each_way(template):
        mail = render(template, context)
        assert mail.subject
        assert "\n" not in mail.subject
        for body in (mail.text, mail.html):
            assert not re.search(r"\{[{%]|[%}]\}|\bNone\b|Undefined", body)
            assert not re.search(r"[,;.:] ?[,;.:]", spoken(body))
            assert list(time_faults(spoken(body))) == []
        assert not re.search(r"\n\n\n|[ \t]\n", mail.text)
        assert mail.html.count("<html") == mail.html.count("</html>") == 1
        assert list(html_faults(mail.html)) == []
        assert list(subject_faults(mail.subject, names=NAMES)) == []
        assert addresses_of(mail.html) == set(re.findall(r"https?://\S+", mail.text))


@pytest.mark.parametrize("template", ALL)
def test_all_that_is_asked_of_a_practices_own_is_asked_of_ours(template: Mail) -> None:
    ours = {
        f"{template}/{file}": OwnTemplate(text=(TEMPLATE_ROOT / template / file).read_text(), path=Path(file))
        for file in FILES
    }
    assert list(map(str, faults_of(template, Templates(ours)))) == []


@pytest.mark.parametrize(("template", "part"), [(name, part) for name in ALL for part in sorted(MAILS[name].parts)])
def test_a_missing_part_is_refused_by_name_and_by_the_template_itself(template: Mail, part: str) -> None:
    with pytest.raises(IncompleteMail) as refused:
        render(template, without(FULL, part))
    assert refused.value.missing == (part,)
    names = names_of(FULL)
    del names[part]
    with pytest.raises(UndefinedError):
        render_names(template, names)


def test_an_unknown_mail_is_refused() -> None:
    with pytest.raises(UnknownMail):
        render("_layout", FULL)


@pytest.mark.parametrize("path", sorted(TEMPLATE_ROOT.rglob("*.*")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_template_speaks_of_an_archive_or_shouts(path: Path) -> None:
    content = path.read_text()
    assert "archiv" not in content.lower()
    spoken = re.sub(r"<!doctype|!important|!=", "", content)
    assert "!" not in spoken


@pytest.mark.parametrize("template", ALL)
@pytest.mark.parametrize(("zone", "words"), [("Asia/Kathmandu", "Kathmandu time, UTC+05:45"), ("UTC", "UTC")])
def test_every_time_is_the_readers_and_says_so(template: Mail, zone: str, words: str) -> None:
    for appointments in ((LATE,), weekly(3, late=1)):
        mail = render(template, replace(FULL, time_zone=zone, appointments=appointments, change="cancelled"))
        for part in (mail.subject, spoken(mail.text), spoken(mail.html)):
            times = re.findall(r"\b\d\d:\d\d\b(?! ?\))(?: \(([^)]*)\))?", part)
            assert set(times) <= {words}


@pytest.mark.parametrize("template", OF_MANY)
def test_a_year_of_weeks_is_listed_whole_and_in_order(template: Mail) -> None:
    many = weekly(52)
    mail = render(template, replace(FULL, appointments=many))
    days = [local_time(line.starts_at, FULL.time_zone) for line in many]
    assert "(New York time, EDT)" in days[20]  # it goes over changes of the clock
    for body in (mail.text, mail.html):
        told = spoken(body)
        assert [told.count(f"{day} ") for day in days] == [1] * 52
        assert sorted(days, key=told.index) == days
        assert "52 " in told
    assert len(mail.html) < 100_000  # longer mails are cut off by some mail programs
    assert len(mail.subject) < 100


@pytest.mark.parametrize("template", OF_MANY)
def test_one_is_not_spoken_of_as_many(template: Mail) -> None:
    plain = replace(FULL, check_insurance=False)
    alone, together = (render(template, replace(plain, appointments=weekly(count, late=1))) for count in (1, 3))
    for part in (alone.subject, spoken(alone.text), spoken(alone.html)):
        assert not re.search(r"\b(appointments|them|they|these|files|others)\b", part, re.IGNORECASE)
    for part in (together.subject, spoken(together.text), spoken(together.html)):
        assert re.search(r"\b3\b[\w ]* appointments\b", part)
        assert not re.search(r"\b(this appointment|it|its)\b", part, re.IGNORECASE)


@pytest.mark.parametrize("template", ALL)
def test_names_are_shown_as_text_and_make_no_lines_of_their_own(template: Mail) -> None:
    assert FULL.therapist
    assert FULL.task
    assert FULL.payment
    assert FULL.receipt
    hostile = replace(
        FULL,
        recipient_name=NASTY,
        client_name=NASTY,
        practice=replace(FULL.practice, letterhead=Letterhead(name=NASTY, address=NASTY)),
        therapist=replace(FULL.therapist, name=NASTY, licensed_in=(NASTY,)),
        forms=(NASTY,),
        appointments=(replace(SESSION, complete_forms_in_session=True, outstanding_forms=(NASTY,)),),
        payment=replace(FULL.payment, card_brand=NASTY, reference=NASTY),
        receipt=replace(
            FULL.receipt,
            stated=Stated(
                practice=Letterhead(name=NASTY, address=NASTY, tax_id=NASTY),
                therapist=Practitioner(name=NASTY, credentials=NASTY, licences=(Licence(state=NASTY, number=NASTY),)),
                client_name=NASTY,
                client_ref=NASTY,
                time_zone="UTC",
            ),
        ),
        task=replace(FULL.task, title=NASTY, text=NASTY, client_ref=NASTY),
    )
    mail = render(template, hostile)
    assert "<script" not in mail.html
    assert not re.search(r"^\s*Bcc:", mail.text, re.MULTILINE)
    assert not re.search(r"[\r\n]", mail.subject)
    if template is not Mail.TASK_OPENED:
        assert "&lt;script&gt;" in mail.html
        assert "<script>" in mail.text  # plain text escapes nothing
    else:
        assert mail.subject.startswith("Task: Eve <script>")
        assert len(mail.subject) <= 180


@pytest.mark.parametrize("template", ALL)
def test_it_says_from_whom_it_is_and_where_they_are(template: Mail) -> None:
    """But for what the practice writes to itself."""
    bare = replace(FULL.practice, letterhead=Letterhead(name="Harbour Practice"))
    for context, address in (
        (FULL, "Harbour Practice, 1 Quay, Albany, NY 12203"),
        (replace(FULL, practice=bare), None),
    ):
        mail = render(template, context)
        for body in (spoken(mail.text), spoken(mail.html)):
            if MAILS[template].to in (Reader.CARE_TEAM, Reader.WITNESS):
                assert "Kind regards" not in body
            else:
                assert body.endswith(address or "Write to care@practice.example. Harbour Practice")


@pytest.mark.parametrize("template", ALL)
def test_it_has_the_practices_colour_and_shows_its_logo_with_words_for_it(template: Mail) -> None:
    assert "cid:" not in render(template, FULL).html
    logo = Logo(content=b"", type="image/png", width=960, height=120)
    own = replace(FULL.practice, colour="#7a1f3d", logo=logo)
    html = render(template, replace(FULL, practice=own)).html
    assert 'src="cid:logo" alt="Harbour Practice" width="240" height="30"' in html
    assert "#7a1f3d" in html
    assert HOUSE not in html
    assert list(html_faults(html)) == []


@pytest.mark.parametrize("template", ALL)
def test_a_test_clients_mail_says_so(template: Mail) -> None:  # S16
    plain, marked = render(template, FULL), render(template, replace(FULL, test=True))
    assert marked.subject == f"[TEST] {plain.subject}"
    assert "Test client:" in marked.text
    assert "Test client:" in marked.html
    assert "Test client:" not in plain.text + plain.html


@pytest.mark.parametrize("template", ALL)
def test_reminders_say_how_to_stop_them(template: Mail) -> None:
    mail = render(template, FULL)
    stoppable = template in REMINDERS | ASKING_FOR_FORMS
    for body in (mail.text, mail.html):
        assert ("rather not get mails like this one" in body) == stoppable
        assert (str(FULL.unsubscribe_link) in body) == stoppable
    if template not in REMINDERS:
        without = render(template, replace(FULL, unsubscribe_link=None))
        assert "rather not get mails like this one" not in without.text + without.html


def test_a_link_that_is_no_web_address_stays_text() -> None:
    odd: MailAppointment = replace(SESSION, join_url="javascript:alert(1)")
    context: MailContext = replace(FULL, appointments=(odd,))
    html = render("booking_confirmation", context).html
    assert "javascript:alert(1)" in html
    assert not any(address.startswith("javascript") for address in hrefs(html))
    assert JOIN in hrefs(render("booking_confirmation", FULL).html)
