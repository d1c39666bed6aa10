"""Which build of the workers gets work: ``python -m ops.worker_versions show|current|ramp|unversioned``.

It is about the deployment of ``WORKER_DEPLOYMENT``. ``show`` lists its builds, and what stands in the way, with exit
code 1 if anything does. ``current <build>`` gives all the work to a build, ``ramp <build> <percent>`` a share, and
``unversioned`` gives it back to workers without a version. Each can be run again.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from temporalio.client import Client
from temporalio.service import RPCError

from config import Settings, settings_or_exit
from engine.codec import data_converter
from engine.connect import connect
from engine.ending import end
from ops.connected import PATIENCE
from ops.leaving import CANNOT_LOOK, exit_code
from ops.worker_versions.versions import CannotRoute, look, make_current, problems, ramp


async def _show(client: Client, settings: Settings) -> int:
    name = settings.worker_deployment
    known = await look(client, name, task_queue=settings.temporal_task_queue) if name else None
    for build in known.builds if known else ():
        share = f" ({known.percent:g} %)" if known and build.status == "ramping" else ""
        print(f"{build.build_id}: {build.status}{share}, {build.workers} workers")
    found = await problems(
        client, deployment=name, build_id=settings.worker_build_id, task_queue=settings.temporal_task_queue
    )
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


async def _route(client: Client, name: str, read: argparse.Namespace) -> int:
    if read.verb == "ramp":
        await ramp(client, name, read.build, read.percent)
        print(f"{read.build} gets {read.percent:g} % of the work.")
        return 0
    build = read.build if read.verb == "current" else None
    before = await make_current(client, name, build)
    print(f"{build or 'Workers without a version'} gets the work; before, it was {before or 'none'}.")
    return 0


async def _main(read: argparse.Namespace) -> int:
    settings = settings_or_exit()
    client = await connect(settings.engine, data_converter=data_converter(settings.payload_keys), patience=PATIENCE)
    try:
        if read.verb == "show":
            return await _show(client, settings)
        if settings.worker_deployment is None:
            print("WORKER_DEPLOYMENT is not set: workers are not versioned.", file=sys.stderr)
            return CANNOT_LOOK
        return await _route(client, settings.worker_deployment, read)
    except CannotRoute as why:
        print(why, file=sys.stderr)
        return 1
    except RPCError as error:
        print(f"The engine cannot be asked: {error.message}", file=sys.stderr)
        return CANNOT_LOOK


def _percent(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 100:
        raise ValueError
    return share


def main(arguments: Sequence[str]) -> int:
    """The command. Returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.worker_versions", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("show", help="the builds, and what stands in the way")
    verbs.add_parser("current", help="give all the work to a build").add_argument("build")
    ramping = verbs.add_parser("ramp", help="give a share of the work to a build")
    ramping.add_argument("build")
    ramping.add_argument("percent", type=_percent)
    verbs.add_parser("unversioned", help="give the work to workers without a version")
    read = parser.parse_args(arguments)
    return exit_code(lambda: asyncio.run(_main(read)))


if __name__ == "__main__":
    end(main(sys.argv[1:]))
