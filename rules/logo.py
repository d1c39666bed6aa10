"""The practice's logo: a picture that mail programs and papers show, and how large they show it."""

from dataclasses import dataclass, field

MOST_BYTES = 100 * 1024  # every mail carries it
MOST_PIXELS = 2000  # a side
_WIDEST, _HIGHEST = 240, 56  # as it is shown; screens with twice the points have twice the pixels to show
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg"}
TYPES = tuple(_ENDINGS)
"""What every mail program shows. Most show no SVG."""


@dataclass(frozen=True, kw_only=True)
class Logo:
    """``type`` is one of `TYPES`; ``width`` and ``height`` are its own, in pixels."""

    content: bytes = field(repr=False)
    type: str
    width: int
    height: int

    @property
    def filename(self) -> str:
        return f"logo.{_ENDINGS[self.type]}"

    @property
    def shown_width(self) -> int:
        return max(round(self.width * self._scale), 1)

    @property
    def shown_height(self) -> int:
        return max(round(self.height * self._scale), 1)

    @property
    def _scale(self) -> float:
        return min(_WIDEST / self.width, _HIGHEST / self.height, 1.0)
