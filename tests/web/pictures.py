"""The pictures of docs/pages.md: what each shows, and the words that must be on it when it is taken."""

import os
from io import BytesIO
from pathlib import Path

from PIL import Image

from tests.ui.pictures import Picture
from tests.web.people import Somebody

FOLDER = "pages"  # below that of all pictures
_COLOURS = 128  # of the palette: a third of the bytes, and nothing that an eye misses
_REF = "K7Q2MX9RTB"


def _picture(name: str, caption: str, *words: str) -> Picture:
    return Picture(file=f"{FOLDER}/{name}.png", caption=caption, words=words)


WHY = _picture("why", "The answer to the matching form: whom we suggest, and why", "We suggest", "Ana Silva")
TIMES = _picture("times", "Booking: what, and when, in the visitor's own zone", "Free intro call", "New York time")
WHO = _picture("who", "The time is held while the details are typed", "We hold this time for you until")
HOME = _picture("home", "A client's first page: what comes next, and what is asked of them", "What we need from you")
FORM = _picture("form", "A form: what is typed is kept", "Sign and send")
LATE = _picture("late", "Inside the notice window the fee is said first", "So late it is your therapist's to change")
PAID = _picture("paid", "What was charged, each with its receipt", "Paid", "120.00 USD")
TODAY = _picture("today", "A therapist's day: marked in one click", "Took place", "Otto Berg")
WEEK = _picture("week", "The week, with what is booked", "Nothing booked")
CLIENTS = _picture("clients", "Clients: searched, ticked, with what each owes", "Sara Lind", "Petra Berg")
ARCHIVE = _picture("archive", "Several archived at once: first what that stops, each with credit and debt", "Together:")
RECORD = _picture("record", "One client: what is awaited until when, and what happened in plain words", "Timeline")
DESK = _picture("desk", "The care team's desk: what needs a person", "Needs a therapist")
PICTURES = (WHY, TIMES, WHO, HOME, FORM, LATE, PAID, TODAY, WEEK, CLIENTS, ARCHIVE, RECORD, DESK)

# References are made anew each time: in pictures all are the same.
_SAME_REFS = r"""ref => {
  const every = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const random = /\b(?=[A-Z]*\d)[A-Z\d]{10}\b/g;
  while (every.nextNode()) every.currentNode.data = every.currentNode.data.replace(random, ref);
}"""


async def take(somebody: Somebody, picture: Picture) -> None:
    """Once its words are seen; to the folder that ``PICTURES`` names."""
    for words in picture.words:
        await somebody.sees(words)
    await somebody.page.evaluate(_SAME_REFS, _REF)
    shot = Image.open(BytesIO(await somebody.page.screenshot(animations="disabled")))
    path = Path(os.environ["PICTURES"]) / picture.file
    path.parent.mkdir(exist_ok=True)
    shot.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
