"""``make bench``: the benchmarks, one after the other; ``python -m bench start_journey`` runs one. Those of growth and
the peers take many minutes each, and are run by name: ``GROWTH_SIZES=100,1000 python -m bench growth_journeys``."""

import asyncio
import os
import sys

from bench import bulk_archive, cost, get_slots, match_many, pages, payments, slot_rule, start_journey
from bench.growth import journeys, lives, more_therapists, sizing, storage, workers
from bench.peers import run as peers
from engine.ending import end

ALL = {
    "cost": cost.run,
    "slot_rule": slot_rule.run,
    "get_slots": get_slots.run,
    "match_many": match_many.run,
    "start_journey": start_journey.run,
    "payments": payments.run,
    "bulk_archive": bulk_archive.run,
    "pages": pages.run,
    "growth_journeys": journeys.run,
    "growth_sessions": lives.run,
    "growth_therapists": more_therapists.run,
    "growth_workers": workers.run,
    "storage": storage.run,
    "sizing": sizing.run,
    "peers": peers.run,
}

BY_NAME = {"growth_journeys", "growth_sessions", "growth_therapists", "growth_workers", "storage", "sizing", "peers"}


def main() -> int:
    wanted = sys.argv[1:] or [name for name in ALL if name not in BY_NAME]
    unknown = [name for name in wanted if name not in ALL]
    if unknown:
        print(f"There is no benchmark {', '.join(unknown)}; there are: {', '.join(ALL)}.", file=sys.stderr)
        return 2
    for name in wanted:
        print(f"[{name}: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before it]")
        asyncio.run(ALL[name]())
    return 0


if __name__ == "__main__":
    end(main())
