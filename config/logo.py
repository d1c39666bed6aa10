"""``PRACTICE_LOGO``: a file is read, and refused unless every mail program can show it."""

from io import BytesIO
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from rules.logo import MOST_BYTES, MOST_PIXELS, Logo

_FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg"}


def read_logo(path: Path) -> Logo:
    """The picture in this file. Raises ValueError, with what speaks against it."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from None
    if len(content) > MOST_BYTES:
        raise ValueError(
            f"{path} has {len(content) // 1024} KB, and every mail carries it: at most {MOST_BYTES // 1024}"
        )
    try:
        with Image.open(BytesIO(content), formats=tuple(_FORMATS)) as picture:
            width, height = picture.size
            if max(width, height) > MOST_PIXELS:
                raise ValueError(f"{path} is {width} by {height} pixels large: at most {MOST_PIXELS} a side")
            picture.load()  # to its last byte
            if picture.mode == "CMYK":
                raise ValueError(f"{path} is made for print (CMYK), which mail programs show wrongly: save it as RGB")
            return Logo(content=content, type=_FORMATS[picture.format or ""], width=width, height=height)
    except UnidentifiedImageError:
        raise ValueError(f"{path} is neither a PNG nor a JPEG: mail programs show no other pictures") from None
    except (OSError, SyntaxError, Image.DecompressionBombError):
        raise ValueError(f"{path} is damaged: it is no whole PNG or JPEG") from None
