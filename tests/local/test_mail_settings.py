"""How a practice's mails look and speak: what each setting takes, and what it refuses."""

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

import worker
from config import SettingsProblem, read_settings
from local.processes import ROOT
from rules.logo import MOST_BYTES, Logo
from rules.mail.colours import HOUSE
from tests.local.environment import bare_environment, given, problems

__all__ = ["bare_environment"]


def picture(format: str = "PNG", *, mode: str = "RGB", size: tuple[int, int] = (480, 120)) -> bytes:
    drawn = BytesIO()
    Image.new(mode, size).save(drawn, format)
    return drawn.getvalue()


def a_file(folder: Path, content: bytes, name: str = "logo.png") -> str:
    (folder / name).write_bytes(content)
    return str(folder / name)


def test_a_practice_without_them_has_the_houses_colour_and_no_logo() -> None:
    practice = worker.practice_of(read_settings())
    assert (practice.colour, practice.logo) == (HOUSE, None)


@pytest.mark.parametrize(("format", "filename"), [("PNG", "logo.png"), ("JPEG", "logo.jpg")])
def test_a_logo_is_read_with_its_size(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, format: str, filename: str
) -> None:
    content = picture(format)
    given(monkeypatch, PRACTICE_LOGO=a_file(tmp_path, content, "picture"), PRACTICE_COLOUR="#7A1F3D")
    practice = worker.practice_of(read_settings())
    assert practice.logo == Logo(content=content, type=f"image/{format.lower()}", width=480, height=120)
    assert (practice.logo.filename, practice.logo.shown_width, practice.logo.shown_height) == (filename, 224, 56)
    assert practice.colour == "#7a1f3d"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "neither a PNG nor a JPEG"),
        (picture("GIF"), "neither a PNG nor a JPEG"),
        (picture()[: len(picture()) // 2], "damaged"),
        (picture("JPEG", mode="CMYK"), "made for print (CMYK)"),
        (picture(size=(2001, 10)), "2001 by 10 pixels"),
        (picture() + b"x" * MOST_BYTES, "100 KB, and every mail carries it"),
    ],
)
def test_a_logo_that_mail_programs_do_not_show_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes, says: str
) -> None:
    [told] = problems(monkeypatch, PRACTICE_LOGO=a_file(tmp_path, content))
    assert told.startswith(f"PRACTICE_LOGO cannot be used: {tmp_path}/logo.png ")
    assert says in told


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PRACTICE_LOGO", "/nowhere/logo.png", "cannot be read: No such file"),
        ("PRACTICE_COLOUR", "#888888", "white text on #888888 has a contrast of 3.54:1, and needs 4.5:1 (WCAG AA)"),
        ("PRACTICE_COLOUR", "green", "not a colour such as #1f5f57"),
        ("MAIL_TEMPLATES", "/nowhere", "/nowhere is no folder"),
    ],
)
def test_what_cannot_be_used_is_said(monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str) -> None:
    [told] = problems(monkeypatch, **{name: value})
    assert told.startswith(f"{name} cannot be used: ")
    assert says in told


def wrong_templates(folder: Path) -> Path:
    (folder / "welcome").mkdir()
    (folder / "welcome" / "subject.txt").write_text("Hello\n{{ clientname }}")
    return folder


def test_templates_that_cannot_be_used_are_told_by_file_line_and_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given(monkeypatch, MAIL_TEMPLATES=str(wrong_templates(tmp_path)))
    with pytest.raises(SettingsProblem) as refused:
        worker.templates_of(read_settings())
    [told] = refused.value.problems
    where = f"{tmp_path}/welcome/subject.txt, line 2"
    assert told.startswith(f"MAIL_TEMPLATES cannot be used: {where}: there is no clientname; there are ")


@pytest.mark.parametrize("program", [["worker.py"], ["-m", "ops.mails"]])
def test_nothing_that_mails_starts_with_them(tmp_path: Path, program: list[str]) -> None:
    environment = {
        "PATH": "/usr/bin",
        "MAIL_TEMPLATES": str(wrong_templates(tmp_path)),
        "DATABASE_URL": "postgresql://app@127.0.0.1:1/care",
    }
    ended = subprocess.run(
        [sys.executable, *program], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 2, ended.stderr
    assert "welcome/subject.txt, line 2: there is no clientname" in ended.stderr
    assert "Traceback" not in ended.stderr
