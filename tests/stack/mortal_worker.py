"""A worker that is killed by SIGKILL at named points of payments, and started again each time.

The product's worker, with its database and its gateway in the wrappers that the crash tests use. What it is told:

    MORTAL_POINTS   JSON: at which point a workflow's steps die, by workflow id
    MORTAL_DEATHS   a folder, with a file for every death there has been: none comes twice

Each life is a process of its own, forked from one that has done nothing but import: a death costs no second start of
Python, and shares nothing with the next life but the database and the engine.
"""

import ctypes
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import worker
from activities.base import Dependencies
from local.leash import PR_SET_PDEATHSIG
from tests.activities.money.crashes.failpoints import Failpoints, named_gateway, named_sessions, with_named_parts
from workflows.steps import DELIVERY, PAYMENT, VENDOR

POINTS = "MORTAL_POINTS"
DEATHS = "MORTAL_DEATHS"
_STEP_IS_GIVEN_UP = timedelta(seconds=4)  # by the engine, when a worker was killed in it: nobody waits for 30 here


def main() -> int:
    while True:
        child = os.fork()
        if child == 0:
            if sys.platform == "linux":
                ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            return live()
        signal.signal(signal.SIGTERM, lambda *_, life=child: os.kill(life, signal.SIGTERM))
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
            return os.waitstatus_to_exitcode(status)
        print("Killed, and started again", flush=True)  # noqa: T201 - the stack's log


def live() -> int:
    """One life."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    deaths = Path(os.environ[DEATHS])
    failpoints = Failpoints(lambda workflow, point: die(deaths, workflow, point))
    had = {death.name for death in deaths.iterdir()}
    for workflow, point in json.loads(os.environ[POINTS]).items():
        if name_of(workflow, point) not in had:
            failpoints.arm(workflow, point)
    build = worker.build  # type: ignore[attr-defined]

    def mortal(dependencies: Dependencies) -> list[Callable[..., Any]]:
        named = replace(
            dependencies,
            sessions=named_sessions(dependencies.sessions, failpoints),
            payments=named_gateway(dependencies.payments, failpoints),
        )
        return with_named_parts(build(named))

    worker.build = mortal  # type: ignore[attr-defined]
    VENDOR.longest = DELIVERY.longest = PAYMENT.longest = _STEP_IS_GIVEN_UP
    return worker.main()


def die(deaths: Path, workflow: str, point: str) -> None:
    (deaths / name_of(workflow, point)).touch()
    os.kill(os.getpid(), signal.SIGKILL)


def name_of(workflow: str, point: str) -> str:
    return f"{workflow.replace(':', '.')}.{point}"


if __name__ == "__main__":
    sys.exit(main())
