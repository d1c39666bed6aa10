"""The files of a deployment, read as Docker and systemd read them; and what they run."""

import re
import shlex
import shutil
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import yaml

from local.processes import ROOT

HERE = ROOT / "ops/deployment"
UNITS = sorted((HERE / "systemd").iterdir())
_INSTRUCTIONS = {"FROM", "COPY", "RUN", "ENV", "WORKDIR", "USER", "STOPSIGNAL", "CMD"}

Json = dict[str, Any]


def compose() -> Json:
    document: Json = yaml.safe_load((HERE / "compose.yaml").read_text())
    return document


def instructions() -> list[tuple[str, list[str]]]:
    """Of the Containerfile: each with its words. An instruction that nobody here knows is refused."""
    text = re.sub(r"^#.*\n", "", (HERE / "Containerfile").read_text(), flags=re.MULTILINE)
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip():
            name, *rest = line.split(maxsplit=1)
            assert name in _INSTRUCTIONS, line
            found.append((name, shlex.split(rest[0])))
    return found


def copied() -> list[tuple[Path, Path]]:
    """What the image has of the checkout: from where, and to where below its working folder."""
    found = []
    for name, parts in instructions():
        if name == "COPY" and not parts[0].startswith("--from"):
            *sources, target = parts
            found += [(ROOT / each, Path(target) / each if target == "./" else Path(target)) for each in sources]
    return found


def fill_image(folder: Path) -> None:
    """Do what the instructions to copy say, into a folder of this machine."""
    for source, target in copied():
        if source.is_dir():
            shutil.copytree(source, folder / target, ignore=shutil.ignore_patterns("__pycache__", "*.env"))
        else:
            shutil.copy(source, folder / target)


def environment(path: Path) -> dict[str, str]:
    """``NAME=value`` lines, as both systemd and Docker take them."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    pairs = [line.partition("=") for line in lines]
    assert all(equals and re.fullmatch("[A-Z_]+", name) for name, equals, _ in pairs)
    return {name: value_of(value) for name, _, value in pairs}


def value_of(written: str) -> str:
    """What both make of it. What one of the two would change is refused: it belongs into single quotes."""
    if quoted := re.fullmatch(r"'([^'\\]*)'", written):
        return quoted[1]
    assert re.fullmatch(r"[^\s\"'$\\#]*", written), written
    return written


class Repeated(dict[str, Any]):
    """A name may stand there several times: all of its values count."""

    def __setitem__(self, name: str, value: Any) -> None:
        if isinstance(value, list) and name in self:
            self[name].extend(value)
        else:
            super().__setitem__(name, value)


class _Unit(RawConfigParser):
    """A unit of systemd: names are told apart by their case, and a ``%`` is its own."""

    def __init__(self) -> None:
        super().__init__(dict_type=Repeated, strict=False, delimiters=("=",), interpolation=None)

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def unit(path: Path) -> RawConfigParser:
    parser = _Unit()
    parser.read(path)
    return parser


def run_by(path: Path) -> list[str]:
    """The commands of a service, with the interpreter named as in the image."""
    read = unit(path)
    said = read.get("Service", "ExecStart").splitlines() if read.has_section("Service") else []
    return [re.sub(r"\S*/\.venv/bin/python", "python", command) for command in said]
