"""``python -m bench.peers.procrastinate.worker``: a module of its own, so that the tasks have one name everywhere."""

import asyncio

from bench.peers.procrastinate.tasks import main

if __name__ == "__main__":
    asyncio.run(main())
