"""The pictures of docs/temporal-ui.md: what each shows, and the words that must be on it."""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
LARGEST = 150_000  # bytes


@dataclass(frozen=True, kw_only=True)
class Picture:
    """``caption`` stands in the page; ``words`` are looked for in the browser before the picture is taken."""

    file: str
    caption: str
    words: tuple[str, ...]


DETAILS = Picture(
    file="details.png",
    caption="User Metadata of a client's journey: who it is, what needs a person, and what to send",
    words=("Sara", "Needs a person", "The account is not active.", "send_activation_link", "EST"),
)
NAMES = Picture(
    file="names.png",
    caption="Choosing an update: each says what it does, with an input to paste",
    words=("match_by_hand", 'Input, for example: {"therapist": "ana-silva"'),
)
EMPTY = Picture(
    file="empty-input.png",
    caption="An update without its input is not accepted, and says what is missing",
    words=("Not accepted, and nothing was changed: therapist is required; reason is required.",),
)
REFUSED = Picture(
    file="refused.png",
    caption="An outcome that is refused is red, and says why",
    words=("This appointment has not started yet.",),
)
CANCELLED = Picture(
    file="cancellation.png",
    caption="After Request Cancellation: the journey goes on, and says what to use instead",
    words=("RUNNING", "ancellation"),
)
PICTURES = (DETAILS, NAMES, EMPTY, REFUSED, CANCELLED)
