"""A practice's own templates: taken where they can go out, and refused with file, line and name where not."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from activities.mail.overrides.folder import WrongTemplates, templates_in
from activities.mail.overrides.samples import FULL
from activities.mail.rendering import TEMPLATE_ROOT, Templates, render

TEXT = """{% extends "_layout/base.txt" %}
{% block content %}
Do choose a time with {{ therapist.name }}:

{{ link }}
{% endblock %}
"""
HTML = """{% extends "_layout/base.html" %}
{% from "_layout/parts.html" import say, button with context %}
{% block content %}
{% call say() %}Do choose a time with {{ therapist.name }}.{% endcall %}
{{ button(link, "Choose a time") }}
{% endblock %}
"""


def worded(folder: Path, **files: str | bytes) -> Templates:
    """``book_first__subject``, and so on: a file of that mail, or the text of a line in one."""
    for name, content in files.items():
        mail, _, file = name.partition("__")
        path = folder / mail / {"subject": "subject.txt", "text": "body.txt", "html": "body.html"}.get(file, file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return templates_in(folder)


def problems(folder: Path, **files: str | bytes) -> list[str]:
    with pytest.raises(WrongTemplates) as wrong:
        worded(folder, **files)
    return [problem.replace(f"{folder}/", "") for problem in wrong.value.problems]


def test_what_is_its_own_is_taken_and_the_rest_is_ours(tmp_path: Path) -> None:
    own = worded(
        tmp_path, book_first__subject="Your first time with us\n", book_first__text=TEXT, book_first__html=HTML
    )
    ours, mail = render("book_first", FULL), render("book_first", FULL, own)
    assert mail.subject == "Your first time with us"
    assert "Do choose a time with Dr. Nadia Osei" in mail.text
    assert "Do choose a time with Dr. Nadia Osei." in mail.html
    assert mail.text != ours.text
    assert render("book_first", replace(FULL, test=True), own).subject == "[TEST] Your first time with us"
    assert render("welcome", FULL, own) == render("welcome", FULL)
    part = worded(tmp_path / "part", book_first__subject="Hello")
    assert replace(render("book_first", FULL, part), subject=ours.subject) == ours


def test_what_was_checked_is_what_is_mailed(tmp_path: Path) -> None:
    own = worded(tmp_path, book_first__subject="First")
    (tmp_path / "book_first" / "subject.txt").write_text("{{ broken")
    assert render("book_first", FULL, own).subject == "First"


def test_no_folder_and_an_empty_one_change_nothing(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for templates in (templates_in(None), templates_in(tmp_path)):
        assert templates.own == {}


def test_all_of_ours_may_be_copied_as_they_are(tmp_path: Path) -> None:
    for mail in ("receipt", "slot_offered", "daily_anchor"):
        (tmp_path / mail).mkdir()
        for file in (TEMPLATE_ROOT / mail).iterdir():
            (tmp_path / mail / file.name).write_text(file.read_text())
    assert len(templates_in(tmp_path).own) == 9


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"welcom__text": TEXT}, r"welcom: it is no mail's folder; there are .*welcome"),
        ({"_layout__base.html": HTML}, r"_layout: it is no mail's folder"),
        ({"book_first__body.htm": HTML}, r"book_first/body.htm: it is no part of a mail; there are subject.txt"),
        ({"book_first__text": b"Hello\n\xff"}, r"book_first/body.txt, line 2: it is not UTF-8"),
        ({"book_first__text": "x" * 70_000}, r"book_first/body.txt: it has 68 KB, and may have 64"),
        ({"book_first__text": TEXT + "{% if %}"}, r"book_first/body.txt, line 7: Expected an expression"),
        (
            {"book_first__text": TEXT.replace("link }}", "link | shout }}")},
            r"book_first/body.txt, line 5: No filter named 'shout'",
        ),
        (
            {"book_first__text": TEXT.replace("Do choose", "{{ clientname }}, choose")},
            r"book_first/body.txt, line 3: there is no clientname; there are .*client_name",
        ),
        (
            {"book_first__text": TEXT.replace("therapist.name", "therapist.nme")},
            r"book_first/body.txt, line 3: therapist has no nme; it has licensed_in, name",
        ),
        (
            {"book_first__text": TEXT.replace("Do choose", "{{ client_name }}, choose")},
            r"book_first/body.txt, line 3: 'client_name' is undefined, with no more than it needs; not every such mail",
        ),
        (
            {"book_first__text": TEXT.replace("Do", "{% for one in appointments %}{{ one.fee.sum }}{% endfor %} Do")},
            r"book_first/body.txt, line 3: .*has no attribute 'sum', with everything",
        ),
        (
            {"book_first__text": TEXT.replace("{{ link }}", "https://elsewhere.example")},
            r"book_first/body.txt: it has no \{\{ link \}\}, to which its button leads",
        ),
        (
            {
                "book_first__html": HTML.replace("Choose a time", "Choose").replace(
                    "button(link", "button('https://x.example'"
                )
            },
            r"book_first/body.html: it has no \{\{ link \}\}",
        ),
        (
            {"book_first__text": "Harbour Practice, 1 Quay, Albany, NY 12203 {{ link }} {{ therapist.name }}"},
            r"book_first/body.txt: it has no \{\{ unsubscribe_link \}\}",
        ),
        ({"book_first__text": "{{ link }} {{ unsubscribe_link }}"}, r"book_first/body.txt: it does not say from whom"),
        (
            {"book_first__text": "{{ link }} {{ unsubscribe_link }}"},
            r"body.txt: it has no \{\{ practice.address",
        ),
        ({"book_first__text": "{{ link }} {{ unsubscribe_link }}"}, r"body.txt: a test client's mail does not say so"),
        (
            {"book_first__text": TEXT.replace("{{ therapist.name }}", "us")},
            r"book_first/body.txt: it never says therapist, which such a mail is for",
        ),
        (
            {"book_first__text": TEXT.replace("Do", "{% for one in appointments %}{{ one.starts_at }}{% endfor %} Do")},
            r"book_first/body.txt: it tells a time without its zone: ",
        ),
        ({"book_first__text": TEXT.replace("Do", "Write from https://x.example/ Do")}, "lead to different addresses"),
        (
            {"book_first__text": TEXT.replace("Do", "\nYou are archived. Do")},
            r"line 4: it speaks of an archive",
        ),
        ({"book_first__subject": ""}, r"book_first/subject.txt: it is empty"),
        ({"book_first__subject": "Your therapy"}, r"book_first/subject.txt: it tells what the mail is about: 'therap'"),
        ({"book_first__subject": "With {{ therapist.name }}"}, r"book_first/subject.txt: it names somebody: 'Nadia'"),
        (
            {"book_first__html": HTML.replace("{% call say", '<img src="https://x.example/a.png" alt="">{% call say')},
            r"book_first/body.html: 'https://x.example/a.png' would be fetched when the mail is read",
        ),
        ({"book_first__text": TEXT + "{% include 'nowhere.txt' %}"}, r"book_first/body.txt"),
        (
            {"book_first__text": TEXT.replace("Do", "{{ ''.__class__.__mro__ }} Do")},
            r"book_first/body.txt, line 3: access to attribute '__class__' of 'str' object is unsafe",
        ),
    ],
)
def test_what_is_wrong_is_refused_by_file_line_and_name(tmp_path: Path, files: dict[str, str], says: str) -> None:
    found = problems(tmp_path, **files)
    assert any(re.search(says, problem) for problem in found), found


def test_a_problem_is_told_once_and_all_of_them_are(tmp_path: Path) -> None:
    found = problems(
        tmp_path, book_first__subject="Your therapy", welcome__subject="About your health", nobody__text=""
    )
    assert len(found) == 3
