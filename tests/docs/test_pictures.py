"""The pictures in the pages: each has the caption under which the browser took it, and is small."""

import re

from tests.docs.pages import PAGES
from tests.ui import pictures as of_temporal
from tests.ui.pictures import FOLDER, LARGEST
from tests.web import pictures as of_pages

PICTURES = (*of_temporal.PICTURES, *of_pages.PICTURES)


def test_every_picture_stands_in_a_page_under_its_caption() -> None:
    shown = {
        ((page.parent / target).resolve(), caption)
        for page in PAGES
        for caption, target in re.findall(r"!\[(.+?)\]\((.+?)\)", page.read_text())
    }
    assert shown == {(FOLDER / picture.file, picture.caption) for picture in PICTURES}


def test_pictures_are_there_and_small() -> None:
    there = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()}
    assert there == {picture.file for picture in PICTURES}
    for picture in PICTURES:
        content = (FOLDER / picture.file).read_bytes()
        assert content.startswith(b"\x89PNG")
        assert len(content) <= LARGEST, picture.file
