"""``python -m bench.peers.dbos.worker``: a module of its own, so that the workflows have one name everywhere."""

import asyncio

from bench.peers.dbos.workflows import main

if __name__ == "__main__":
    asyncio.run(main())
