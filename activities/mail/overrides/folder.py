"""A folder of the practice's own templates: ``<mail>/{subject.txt,body.txt,body.html}``, of some mails, and of each
only what differs from ours."""

from collections.abc import Iterator
from pathlib import Path

from activities.mail.overrides.checking import faults_of
from activities.mail.rendering import FILES, OwnTemplate, Templates
from rules.mail.kinds import MAILS

_MOST_BYTES = 64 * 1024


class WrongTemplates(Exception):
    """What is wrong in the folder: a sentence each, with file, line and name where there is one."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


def templates_in(folder: Path | None) -> Templates:
    """Our templates, with those of the folder in their place. Raises WrongTemplates unless each mail can go out."""
    if folder is None:
        return Templates()
    problems: list[str] = []
    own: dict[str, OwnTemplate] = {}
    for path in _files_in(folder, problems):
        try:
            own[f"{path.parent.name}/{path.name}"] = OwnTemplate(text=_text_of(path), path=path)
        except ValueError as error:
            problems.append(f"{path}{error}")
    templates = Templates(own)
    for mail in MAILS:
        problems += map(str, faults_of(mail, templates))
    if problems:
        raise WrongTemplates(problems)
    return templates


def _files_in(folder: Path, problems: list[str]) -> Iterator[Path]:
    """What is hidden, such as ``.git``, is nobody's mail."""
    for inside in sorted(folder.iterdir()):
        if inside.name.startswith("."):
            continue
        if not inside.is_dir() or inside.name not in MAILS:
            problems.append(f"{inside}: it is no mail's folder; there are {', '.join(sorted(MAILS))}")
            continue
        for path in sorted(inside.iterdir()):
            if path.name in FILES and path.is_file():
                yield path
            elif not path.name.startswith("."):
                problems.append(f"{path}: it is no part of a mail; there are {', '.join(FILES)}")


def _text_of(path: Path) -> str:
    """Raises ValueError, with what speaks against the file."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f": it cannot be read: {error.strerror or error}") from None
    if len(content) > _MOST_BYTES:
        raise ValueError(f": it has {len(content) // 1024} KB, and may have {_MOST_BYTES // 1024}")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f", line {line}: it is not UTF-8") from None
