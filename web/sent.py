"""What a form had in it."""

import re

from starlette.datastructures import FormData, UploadFile

_SECRET = re.compile(r"password|again|current|code|secret")


MOST_OF_A_FILE = 10 * 1024 * 1024  # bytes, as the API takes them
TOO_LARGE = "has more than 10 MB: please make it smaller"


def is_too_large(file: UploadFile) -> bool:
    """Told before it is sent on: whoever refuses it at once does not wait for the rest of it."""
    return file.size is not None and file.size > MOST_OF_A_FILE


def _lines(text: str) -> str:
    """Browsers send CRLF; a text has the line ends that it was kept with."""
    return text.replace("\r\n", "\n")


class Sent:
    """The fields of a form; an empty one is none."""

    def __init__(self, data: FormData) -> None:
        self._data = data

    def get(self, name: str) -> str:
        """Browsers send a text with two signs at the end of each line; everybody else has one."""
        value = self._data.get(name)
        return _lines(value).strip() if isinstance(value, str) else ""

    def secret(self, name: str) -> str:
        """As it was typed: a password may begin with a space."""
        value = self._data.get(name)
        return value if isinstance(value, str) else ""

    def all(self, name: str) -> list[str]:
        return [value for value in self._data.getlist(name) if isinstance(value, str) and value]

    def kept(self, *, but: str) -> list[tuple[str, str]]:
        """All that may stand in a page again, in order, but one field: no file, and nothing secret."""
        return [
            (name, value)
            for name, value in self._data.multi_items()
            if isinstance(value, str) and name != but and not _SECRET.search(name)
        ]

    def file(self, name: str) -> UploadFile | None:
        value = self._data.get(name)
        return value if isinstance(value, UploadFile) and value.filename else None

    def files(self, name: str) -> list[UploadFile]:
        return [value for value in self._data.getlist(name) if isinstance(value, UploadFile) and value.filename]

    def given(self, *fields: str) -> dict[str, str]:
        """Those of the fields that have something in them."""
        return {name: value for name in fields if (value := self.get(name))}

    def under(self, prefix: str, *fields: str) -> dict[str, str]:
        """As ``given``, of fields named ``prefix.field``, by the last part."""
        return {name: value for name in fields if (value := self.get(f"{prefix}.{name}"))}
