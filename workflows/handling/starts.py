"""How a workflow starts: whatever it was started with, it does its work, or fails at once and says why.

The engine hands it what came as it came. A program gives an input, a person none, or anything; and whose workflow it is
stands in its id. What cannot be an input would fail the workflow's task, again and again, and what waits for a
workflow of that id would wait for ever.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import MISSING, fields
from typing import Any, Generic, TypeVar
from uuid import UUID

from temporalio import exceptions, workflow

from workflows.handling.binding import Flaw, Unsound, bind
from workflows.handling.refusing import unsound

with workflow.unsafe.imports_passed_through():
    from rules.keeping import Kept, kept

_ID = "workflow id"
_NO_ROW = "NoResultFound"  # the error of a step, by name
Input = TypeVar("Input")


class Start(Generic[Input]):
    """``input`` is what was ``said``, of type ``kind``, or what the workflow's id says where nothing was. ``of`` is the
    kind of row that the workflow follows, whose key is the field ``key`` of the input; None where it follows no row.

    Of a start that is not sound it is an empty one: a workflow has to be there before it can fail.
    """

    def __init__(self, kind: type[Input], said: tuple[Any, ...], *, of: Kept | None = None, key: str = "") -> None:
        self._flaws: list[Flaw] = []
        try:
            self.input = _read(kind, said, of=of, key=key)
        except Unsound as error:
            self._flaws = error.flaws
            self.input = kind(**{field.name: "" for field in fields(kind) if field.default is MISSING})  # type: ignore[arg-type]

    def must_be_sound(self) -> None:
        """Called first by ``run``. Raises the failure of the workflow, whose sentence anybody can read."""
        if self._flaws:
            raise unsound(self._flaws)


@contextmanager
def has_a_row() -> Iterator[None]:
    """The first step reads the rows that the workflow follows: without any it fails in words, too."""
    try:
        yield
    except exceptions.ActivityError as error:
        if isinstance(error.cause, exceptions.ApplicationError) and error.cause.type == _NO_ROW:
            raise unsound([Flaw(_ID, "names nothing that the database has")]) from None
        raise


def _read(kind: type[Input], said: tuple[Any, ...], *, of: Kept | None, key: str) -> Input:
    own = {key: _own_key(of)} if of is not None else {}
    read: Input = bind(workflow.info().workflow_type, kind, said, own=own, request_id="").order
    found = [Flaw(name, f"is not this one, {id}") for name, id in own.items() if getattr(read, name) != id]
    if found:
        raise Unsound(found)
    return read


def _own_key(of: Kept) -> str:
    known = kept(workflow.info().workflow_id)
    if known is None or known[0] is not of or (of is not Kept.WAITLIST and not _is_id(known[1])):
        raise Unsound([Flaw(_ID, f"must be {of.id_of('<slug>' if of is Kept.WAITLIST else '<id>')} for this type")])
    return known[1]


def _is_id(key: str) -> bool:
    try:
        return str(UUID(key)) == key
    except ValueError:
        return False
