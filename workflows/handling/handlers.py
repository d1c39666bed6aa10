"""Handlers of messages: each survives whatever is sent, and knows who has sent it.

The engine hands every handler what came as it came, and what becomes of it is decided here, once: it is bound to the
type of the handler's argument. What cannot be is dropped, if it is a signal, with a note in the details; of an update
it is refused, in words that can be read without the codec. A query answers in any case.

Nobody but the API and our own steps can vouch for whom a message is by (``rules.accounts.vouching``). Any other sender
is known by the engine's history alone, and while that is read, later messages that say who asks keep their place
behind it.
"""

import asyncio
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, get_type_hints

from temporalio import exceptions, workflow

from workflows import steps
from workflows.handling.binding import WHOLE, Bound, Flaw, Unsound, as_id, bind, check, field_names
from workflows.handling.examples import example_of, input_for
from workflows.handling.refusing import refused, unsound
from workflows.parts import details

with workflow.unsafe.imports_passed_through():
    from activities.types.accounts import MessageLook
    from activities.types.workflow_ids import own_id
    from rules.accounts.vouching import content_of, is_system, named, says_who
    from workflows.messages import Update

_NOT_FOR_PEOPLE = "Not for people: the product's own programs send this."

Handler = TypeVar("Handler", bound=Callable[..., Any])


def takes_update(update: Update[Any, Any], says: str) -> Callable[[Handler], Handler]:
    """The method answers an update; an answer with a refusal makes it fail."""

    def register(handler: Handler) -> Handler:
        kind = _argument_of(handler)

        async def take(self: Any, *said: Any) -> Any:
            here = workflow.current_update_info()
            assert here is not None
            try:
                bound = bind(update.name, kind, said, own=_own(), request_id=as_id(here.id))
            except Unsound as error:
                raise unsound(error.flaws) from None
            if bound.by_hand or not _is_sent_by_a_program(bound.order, here.id):
                order = await _with_its_sender(self, update.name, bound, update_id=here.id)
            else:
                order = await _in_order(self, bound)
            answer = await handler(self, order)
            refusal = getattr(answer, "refusal", None)
            if refusal is not None:
                raise refused(refusal)
            return answer

        def must_be_sound(self: Any, *said: Any) -> None:  # noqa: ARG001 - the workflow itself is not asked
            here = workflow.current_update_info()
            assert here is not None
            try:
                bound = bind(update.name, kind, said, own=_own(), request_id=as_id(here.id), strict=True)
                _must_be_a_program_s(update.name, bound, here.id)
                check(bound.order, _own())
                _must_say_something(update.name, kind, said)
            except Unsound as error:
                raise unsound(error.flaws, hint=_hint(update.name, kind, error)) from None

        registered: Any = workflow.update(name=update.name, description=_description(update.name, says, kind))(
            _as(handler, take)
        )
        registered.validator(must_be_sound)
        return registered  # type: ignore[no-any-return]

    return register


def takes_signal(name: str, says: str) -> Callable[[Handler], Handler]:
    """The method hears a signal. One that cannot be carried out is dropped: it must not end the workflow."""

    def register(handler: Handler) -> Handler:
        kind = _argument_of(handler)

        async def take(self: Any, *said: Any) -> None:
            events = workflow.info().get_current_history_length()
            with _dropping(name):
                if kind is None:
                    await handler(self)
                    return
                bound = _bound_signal(name, kind, said)
                if bound.by_hand:
                    order = await _with_its_sender(self, name, bound, events=events)
                else:
                    order = await _in_order(self, bound)
                await handler(self, order)

        def take_at_once(self: Any, *said: Any) -> None:
            with _dropping(name):
                handler(self, *(() if kind is None else (_bound_signal(name, kind, said).order,)))

        chosen = take if inspect.iscoroutinefunction(handler) else take_at_once
        assert chosen is take or "by" not in field_names(kind), "who asks is found out in time, which it does not have"
        registered: Any = workflow.signal(name=name, description=_description(name, says, kind))(_as(handler, chosen))
        return registered  # type: ignore[no-any-return]

    return register


def answers_query(name: str, says: str) -> Callable[[Handler], Handler]:
    """The method answers a query, whatever comes with it."""

    def register(handler: Handler) -> Handler:
        def tell(self: Any, *said: Any) -> Any:  # noqa: ARG001 - nothing can be asked more closely
            return handler(self)

        registered: Any = workflow.query(name=name, description=says)(_as(handler, tell))
        return registered  # type: ignore[no-any-return]

    return register


# ---------------------------------------------------------------- who sends it


async def _with_its_sender(
    self: Any, message: str, bound: Bound, *, update_id: str | None = None, events: int = 0
) -> Any:
    """By whoever sent it, as far as the engine knows."""
    if not says_who(bound.order):
        return bound.order
    here = workflow.info()
    look = MessageLook(
        workflow_id=here.workflow_id,
        run_id=here.run_id,
        message=message,
        request=bound.order.request_id,
        content=content_of(bound.order, workflow_id=here.workflow_id),
        update_id=update_id,
        events=events,
    )
    async with _door(self):
        try:
            sender = await steps.message_sender(look)
        except exceptions.FailureError:
            return bound.order  # by nobody in particular, as no step believes anything else
        return named(bound.order, sender.by, sender.voucher)


async def _in_order(self: Any, bound: Bound) -> Any:
    """Behind whoever came before, and is still looked for."""
    if says_who(bound.order):
        async with _door(self):
            pass
    return bound.order


def _is_sent_by_a_program(order: Any, update_id: str) -> bool:
    """A program names the update after the request. A person who pasted what a program sent once does not."""
    return not says_who(order) or update_id.startswith(order.request_id)


def _door(self: Any) -> asyncio.Lock:
    """Kept with the workflow: who comes first goes in first."""
    found: asyncio.Lock = vars(self).setdefault("_door", asyncio.Lock())
    return found


# ---------------------------------------------------------------- what is said about it


def _must_say_something(name: str, kind: Any, said: tuple[Any, ...]) -> None:
    """A click alone changes nothing, where there is anything to say."""
    if not is_system(name) and said in ((), (None,), ({},)) and example_of(kind):
        raise Unsound([Flaw(WHOLE, "is empty")])


def _must_be_a_program_s(name: str, bound: Bound, update_id: str) -> None:
    """What is not for people is for whoever the API has let in: its step looks whether that is true."""
    if is_system(name) and (bound.by_hand or not _is_sent_by_a_program(bound.order, update_id)):
        raise Unsound([Flaw(WHOLE, "is vouched for by nobody")])


def _own() -> dict[str, str]:
    return own_id(workflow.info().workflow_id)


def _bound_signal(name: str, kind: Any, said: tuple[Any, ...]) -> Bound:
    bound = bind(name, kind, said, own=_own(), request_id=str(workflow.uuid4()))
    if not is_system(name):
        check(bound.order, _own())
    if bound.ignored:
        details.note(f"the signal `{name}` had a field that it does not know, which was ignored.")
    return bound


@contextmanager
def _dropping(name: str) -> Iterator[None]:
    """A signal has no answer, and its failure would be the workflow's."""
    try:
        yield
    except Unsound as error:
        _drop(name, str(error))
    except exceptions.FailureError as error:
        if exceptions.is_cancelled_exception(error):
            raise
        workflow.logger.error("a signal could not be carried out", exc_info=error)
        _drop(name, "it could not be carried out; the log of the worker says why")


def _drop(name: str, why: str) -> None:
    workflow.logger.warning("the signal %s was dropped: %s", name, why)
    details.note(f"the signal `{name}` was dropped: {why}.")


def _description(name: str, says: str, kind: Any) -> str:
    return f"{says} {_NOT_FOR_PEOPLE if is_system(name) else input_for(kind)}"


def _hint(name: str, kind: Any, error: Unsound) -> str:
    """What would be accepted, for whoever sent something else altogether."""
    if is_system(name):
        return f" {_NOT_FOR_PEOPLE}"
    lost = any(flaw.field == WHOLE or flaw.message == "is required" for flaw in error.flaws)
    return f" {input_for(kind)}" if lost else ""


def _argument_of(handler: Callable[..., Any]) -> Any:
    """The type of the handler's argument; None if it takes none."""
    names = list(inspect.signature(handler).parameters)[1:]
    assert len(names) <= 1, f"{handler.__qualname__}: a message has one argument"
    return get_type_hints(handler)[names[0]] if names else None


def _as(handler: Callable[..., Any], wrapper: Callable[..., Any]) -> Callable[..., Any]:
    """The wrapper under the handler's name. Not by ``functools.wraps``: the engine would see the handler's types."""
    wrapper.__name__, wrapper.__qualname__, wrapper.__doc__ = handler.__name__, handler.__qualname__, handler.__doc__
    # For tests, which compare both sides of a message: its types are those of the handler's.
    setattr(wrapper, "handler", handler)  # noqa: B010
    setattr(wrapper, "argument", _argument_of(handler))  # noqa: B010
    return wrapper
