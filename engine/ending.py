"""How a program that speaks to the engine ends (exit)."""

import atexit
import os
import sys
import threading
from typing import NoReturn


def end(code: int) -> NoReturn:
    """End this process with ``code``, once everything is done that is to be done at its end.

    The interpreter is not taken down piece by piece: a thread of the SDK that still tells of an answer would abort it
    (``PyGILState_Release: thread state must be current``, temporalio/sdk-python#300), and a command whose work is done
    would look as if it had failed.
    """
    # As the interpreter does it, and there is no public way: pools of threads are told to end, threads are waited for,
    # and then comes what libraries left to be stopped.
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001
    atexit._run_exitfuncs()  # noqa: SLF001
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # nobody reads it any more
            code = code or 1
    os._exit(code)
