"""How a command ends where it cannot do its work: database or engine cannot be used. One sentence, exit code 2."""

import sys
from collections.abc import Callable

import psycopg
from sqlalchemy.exc import DBAPIError

from engine.connect import EngineUnreachable

CANNOT_LOOK = 2


def exit_code(command: Callable[[], int]) -> int:
    """What the command answers. Of what the database said, the first line: what follows may repeat a row."""
    try:
        return command()
    except EngineUnreachable as error:
        print(error, file=sys.stderr)
    except DBAPIError as error:
        _tell(error.orig or error)
    except psycopg.Error as error:
        _tell(error)
    return CANNOT_LOOK


def _tell(error: BaseException) -> None:
    said = str(error).partition("\n")[0]
    print(f"The database cannot be used: {said}", file=sys.stderr)
