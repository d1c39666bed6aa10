"""A text of the practice: paragraphs, ``# `` headings and ``- `` lists; nothing else in it is markup."""

from markupsafe import Markup, escape


def prose(text: str) -> Markup:
    return Markup("\n").join(_block(block.strip().splitlines()) for block in text.split("\n\n") if block.strip())


def _block(lines: list[str]) -> Markup:
    first, rest = lines[0], lines[1:]
    if first.startswith("#"):
        level = min(len(first) - len(first.lstrip("#")) + 1, 4)
        head = Markup("<h{0}>{1}</h{0}>").format(level, first.lstrip("# "))
        return head + _block(rest) if rest else head
    if all(line.startswith("- ") for line in lines):
        return Markup("<ul>{}</ul>").format(Markup("").join(Markup("<li>{}</li>").format(line[2:]) for line in lines))
    return Markup("<p>{}</p>").format(Markup("<br>").join(escape(line) for line in lines))
