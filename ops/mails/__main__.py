"""Check the mails, and look at them: ``python -m ops.mails``.

It reads the settings of the practice's mails (``PRACTICE_*``, ``MAIL_TEMPLATES``), and checks what ``MAIL_TEMPLATES``
has, as a worker does at its start. With ``--into FOLDER`` each mail is written there with made-up people, as text and
as HTML that a browser shows. It asks neither database nor engine, and mails nobody. Exit code 2: something is wrong.
"""

import argparse
import base64
from dataclasses import replace
from pathlib import Path

from activities.mail.outgoing import LOGO
from activities.mail.overrides.samples import FULL
from activities.mail.rendering import RenderedMail, Templates, render
from activities.practice import Practice
from config import SettingsProblem, leave, settings_or_exit
from engine.ending import end
from rules.mail.kinds import MAILS
from worker import practice_of, templates_of


def write_all(folder: Path, *, practice: Practice, templates: Templates) -> int:
    """Each mail there is, into files named after it; how many."""
    folder.mkdir(parents=True, exist_ok=True)
    for mail in MAILS:
        rendered = render(mail, replace(FULL, practice=practice), templates)
        (folder / f"{mail}.txt").write_text(f"Subject: {rendered.subject}\n\n{rendered.text}")
        (folder / f"{mail}.html").write_text(_shown(rendered, practice))
    return len(MAILS)


def _shown(rendered: RenderedMail, practice: Practice) -> str:
    """The HTML with the logo in it: a browser has no other part of the mail."""
    if practice.logo is None:
        return rendered.html
    content = base64.b64encode(practice.logo.content).decode()
    return rendered.html.replace(f"cid:{LOGO}", f"data:{practice.logo.type};base64,{content}")


def main(folder: Path | None) -> int:
    settings = settings_or_exit()
    try:
        templates = templates_of(settings)
    except SettingsProblem as problem:
        leave(problem)
    own = len(templates.own)
    print("No template of your own." if not own else f"{own} templates of your own can be used.")
    if folder is not None:
        number = write_all(folder, practice=practice_of(settings), templates=templates)
        print(f"{number} mails are in {folder}.")
    return 0


if __name__ == "__main__":
    asked = argparse.ArgumentParser(prog="python -m ops.mails", description="Check the mails, and look at them.")
    asked.add_argument("--into", metavar="FOLDER", type=Path, help="write each mail there, with made-up people")
    end(main(asked.parse_args().into))
