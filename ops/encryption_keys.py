"""Which keys of PAYLOAD_KEYS are still needed: ``python -m ops.encryption_keys list``, ``... drop KEY``.

``list`` names every key that something is sealed with, and how much: rows by column, and runs of workflows whose
history the engine still keeps. ``drop`` says whether a key can be taken out of PAYLOAD_KEYS. Exit code 0: it can; 1: it
is needed; 2: it could not be looked at. Nothing is changed: the setting is yours.
"""

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from config import Settings, settings_or_exit
from engine.codec import data_converter
from engine.connect import connect
from engine.ending import end
from engine.key_use import workflows_by_key
from models import database
from models.database import Sessions
from models.reads.keeping.encryption_keys import rows_by_key
from ops.connected import PATIENCE
from ops.leaving import exit_code


@dataclass(frozen=True, kw_only=True)
class KeyUse:
    """What a key is needed for: values by ``table.column``, and runs of workflows. ``runs`` is None where the engine
    lists nothing."""

    rows: Mapping[str, int] = field(default_factory=Counter)
    runs: int | None = 0

    @property
    def is_needed(self) -> bool:
        return bool(self.rows) or self.runs != 0

    def __str__(self) -> str:
        said = [f"{number} in {column}" for column, number in sorted(self.rows.items())]
        if self.runs is None:
            said.append("an unknown number of workflows, which this engine does not list")
        elif self.runs:
            said.append(f"{self.runs} runs of workflows")
        return ", ".join(said) or "nothing"


async def uses(sessions: Sessions, runs: Counter[str] | None, *, known: Sequence[str]) -> dict[str, KeyUse]:
    """By key: those that are known, in their order, then others that something is sealed with all the same."""
    async with sessions() as session:
        rows = await rows_by_key(session)
    others = sorted({*rows, *(runs or ())} - set(known))
    return {
        key: KeyUse(rows=rows.get(key, Counter()), runs=runs[key] if runs is not None else None)
        for key in (*known, *others)
    }


def refusal(key: str, used: Mapping[str, KeyUse], *, known: Sequence[str]) -> str | None:
    """Why a key cannot be taken out; None if it can."""
    if key not in known:
        return f"{key} is not among the PAYLOAD_KEYS."
    if key == known[0]:
        return f"{key} is the first of the PAYLOAD_KEYS: everything new is sealed with it. Put another in front first."
    if used[key].is_needed:
        return f"{key} is still needed: {used[key]}. `python -m ops.reencrypt` seals rows anew."
    return None


async def _uses(settings: Settings, known: Sequence[str]) -> dict[str, KeyUse]:
    client = await connect(settings.engine, data_converter=data_converter(settings.payload_keys), patience=PATIENCE)
    runs = await workflows_by_key(client)
    pool = database.connect(settings.database)
    try:
        return await uses(database.session_factory(pool), runs, known=known)
    finally:
        await pool.dispose()


async def _main(settings: Settings, key: str | None) -> int:
    known = [name for name, _ in settings.payload_keys.keys]
    used = await _uses(settings, known)
    if key is None:
        for name, use in used.items():
            missing = "" if name in known else " (not among the PAYLOAD_KEYS)"
            print(f"{name}{missing}: {use}")
        return 0
    why = refusal(key, used, known=known)
    print(why or f"Nothing is sealed with {key} any more: it can be taken out of PAYLOAD_KEYS.")
    return 1 if why else 0


def main(arguments: Sequence[str]) -> int:
    """The command. Returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.encryption_keys", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _ = commands.add_parser("list", help="what each key is needed for")
    commands.add_parser("drop", help="whether a key can be taken out").add_argument("key")
    asked = parser.parse_args(arguments)
    return exit_code(lambda: asyncio.run(_main(settings_or_exit(), asked.key if asked.command == "drop" else None)))


if __name__ == "__main__":
    end(main(sys.argv[1:]))
