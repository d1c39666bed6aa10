"""``python -m chaos``: a full run; ``--short``: a small one for every change. 0: every promise was kept."""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from dataclasses import fields, replace
from pathlib import Path

from chaos.figures import tell
from chaos.run import run
from chaos.shape import FULL, SHORT, Shape
from engine.ending import end
from local.problems import CannotStart


def main() -> int:
    shape, began = _shape(), time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="care-journeys-chaos-"))
    try:
        figures = asyncio.run(run(shape, folder=folder, say=lambda line: print(line, flush=True)))
    except CannotStart as problem:
        print(problem, file=sys.stderr)
        return 2
    tell(figures, folder=folder)
    print(f"After {time.monotonic() - began:.0f} s: {'every promise was kept' if figures.kept else 'PROMISES BROKEN'}.")
    if figures.kept:
        shutil.rmtree(folder / "data", ignore_errors=True)
        return 0
    print(f"The data: {folder / 'data'} (make run with DATA_DIR set to it shows them).")
    return 1


def _shape() -> Shape:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--short", action="store_true", help="20 journeys in about a minute and a half")
    for field in fields(Shape):
        parser.add_argument(f"--{field.name}", type=type(getattr(FULL, field.name)), help="instead of the shape's")
    given = vars(parser.parse_args())
    shape = SHORT if given.pop("short") else FULL
    return replace(shape, **{name: value for name, value in given.items() if value is not None})


if __name__ == "__main__":
    end(main())
