"""``python -m ops.mails``: each mail in a folder, as its reader would see it."""

from dataclasses import replace
from pathlib import Path

from activities.mail.overrides.folder import templates_in
from activities.mail.overrides.samples import FULL
from ops.mails.__main__ import write_all
from rules.logo import Logo
from rules.mail.kinds import MAILS


def test_each_mail_is_written_with_the_practices_own_words_and_looks(tmp_path: Path) -> None:
    own = tmp_path / "own"
    (own / "welcome").mkdir(parents=True)
    (own / "welcome" / "subject.txt").write_text("Good to have you here")
    logo = Logo(content=b"\x89PNG", type="image/png", width=10, height=10)
    practice = replace(FULL.practice, colour="#7a1f3d", logo=logo)
    into = tmp_path / "all" / "mails"
    assert write_all(into, practice=practice, templates=templates_in(own)) == len(MAILS)
    assert {path.name for path in into.iterdir()} == {
        f"{mail}.{ending}" for mail in MAILS for ending in ("txt", "html")
    }
    assert (into / "welcome.txt").read_text().startswith("Subject: Good to have you here\n\nHello Sara,")
    html = (into / "welcome.html").read_text()
    assert 'src="data:image/png;base64,iVBORw=="' in html
    assert "#7a1f3d" in html
    write_all(into, practice=practice, templates=templates_in(None))  # again, over what is there
    assert "activate your account" in (into / "welcome.txt").read_text()
