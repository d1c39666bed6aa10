"""Look at a whole deployment: ``python -m ops.doctor``, or ``python -m ops.doctor database engine`` for some of it.

It reads the settings that worker and server read, and looks at database, engine, vendors, addresses and disks with
them. Each finding is a line: ok, warning or wrong, and what to do. It changes nothing, mails nobody, moves no money and
shows no secret; what fails or does not answer ends no other check. Exit code 0: nothing is wrong; 1: something is.
"""

import argparse
import asyncio
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from config import Settings, examine
from engine.ending import end
from ops.doctor.checks import CHECKS, carry_out
from ops.doctor.findings import Finding, Verdict
from ops.doctor.given import look_at_settings

SETTINGS = "settings"


def _tell(findings: Iterable[Finding]) -> Counter[Verdict]:
    told: Counter[Verdict] = Counter()
    for finding in findings:
        print(finding, flush=True)
        told[finding.verdict] += 1
    return told


async def _look(settings: Settings, names: Iterable[str]) -> Counter[Verdict]:
    told: Counter[Verdict] = Counter()
    async for findings in carry_out([check for check in CHECKS if check.name in names], settings):
        told += _tell(findings)
    return told


def main(names: Sequence[str], environment: Mapping[str, str]) -> int:
    """The command. Returns its exit code."""
    settings, problems = examine(environment)
    told = _tell(look_at_settings(settings, problems, environment)) if SETTINGS in names else Counter[Verdict]()
    if settings is None:
        print("With settings that cannot be read nothing else can be looked at.")
        return 1
    told += asyncio.run(_look(settings, names))
    said = ", ".join(f"{told[verdict]} {verdict}" for verdict in Verdict)
    print(f"{said}." if told else "Nothing was looked at.")
    return 1 if told[Verdict.WRONG] else 0


if __name__ == "__main__":
    every = (SETTINGS, *(check.name for check in CHECKS))
    asked = argparse.ArgumentParser(prog="python -m ops.doctor", description=__doc__)
    asked.add_argument("check", nargs="*", choices=[[], *every], help=f"all of them by default: {', '.join(every)}")
    end(main(asked.parse_args().check or every, os.environ))
