"""The pictures in the pages: each has the caption under which the browser took it, and is small."""

import re

from tests.docs.pages import PAGES, ROOT
from tests.ui.pictures import FOLDER, LARGEST, PICTURES


def test_every_picture_stands_in_a_page_under_its_caption() -> None:
    shown = {
        ((page.parent / target).resolve(), caption)
        for page in PAGES
        for caption, target in re.findall(r"!\[(.+?)\]\((.+?)\)", page.read_text())
    }
    assert shown == {(FOLDER / picture.file, picture.caption) for picture in PICTURES}


def test_pictures_are_there_and_small() -> None:
    assert {path.name for path in (ROOT / "docs/pictures").iterdir()} == {picture.file for picture in PICTURES}
    for picture in PICTURES:
        content = (FOLDER / picture.file).read_bytes()
        assert content.startswith(b"\x89PNG")
        assert len(content) <= LARGEST, picture.file
