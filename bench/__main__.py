"""``make bench``: every benchmark, one after the other; ``python -m bench start_journey`` runs one.

Those that take many minutes are run by name alone.
"""

import asyncio
import os
import sys

from bench import bulk_archive, get_slots, match_many, pages, payments, slot_rule, start_journey
from bench.peers import run as peers
from engine.ending import end

ALL = {
    "slot_rule": slot_rule.run,
    "get_slots": get_slots.run,
    "match_many": match_many.run,
    "start_journey": start_journey.run,
    "payments": payments.run,
    "bulk_archive": bulk_archive.run,
    "pages": pages.run,
}
BY_NAME_ALONE = {"peers": peers.run}


def main() -> int:
    wanted = sys.argv[1:] or list(ALL)
    known = ALL | BY_NAME_ALONE
    unknown = [name for name in wanted if name not in known]
    if unknown:
        print(f"There is no benchmark {', '.join(unknown)}; there are: {', '.join(known)}.", file=sys.stderr)
        return 2
    for name in wanted:
        print(f"[{name}: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before it]")
        asyncio.run(known[name]())
    return 0


if __name__ == "__main__":
    end(main())
