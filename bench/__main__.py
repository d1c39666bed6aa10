"""``make bench``: every benchmark, one after the other; ``python -m bench start_journey`` runs one."""

import asyncio
import sys

from bench import start_journey

ALL = {"start_journey": start_journey.run}


def main() -> int:
    wanted = sys.argv[1:] or list(ALL)
    unknown = [name for name in wanted if name not in ALL]
    if unknown:
        print(f"There is no benchmark {', '.join(unknown)}; there are: {', '.join(ALL)}.", file=sys.stderr)
        return 2
    for name in wanted:
        asyncio.run(ALL[name]())
    return 0


if __name__ == "__main__":
    sys.exit(main())
