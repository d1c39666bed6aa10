"""How failures are written into the engine: short, and encoded, but for those that are meant for people to read."""

from temporalio.api.failure.v1 import Failure
from temporalio.converter import (
    DefaultFailureConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadConverter,
)
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

_LONGEST_MESSAGE, _LONGEST_TRACE = 400, 600  # characters
_MOST_CAUSES = 2


class ShortFailures(DefaultFailureConverterWithEncodedAttributes):
    """Failures short enough to be shown: what is larger than some kilobytes, the engine replaces by words of its own.

    Of a message its beginning is kept, of a trace its end, of the causes the nearest: what a person reads first.
    """

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        super().to_failure(exception, payload_converter, failure)
        cause, depth = failure, 0
        while True:
            _shorten(cause, payload_converter, trace=_LONGEST_TRACE if depth == 0 else 0)
            if not cause.HasField("cause"):
                return
            if depth == _MOST_CAUSES:
                cause.ClearField("cause")
                return
            cause, depth = cause.cause, depth + 1


def _shorten(failure: Failure, payload_converter: PayloadConverter, *, trace: int) -> None:
    if not failure.HasField("encoded_attributes"):
        return
    try:
        said = payload_converter.from_payload(failure.encoded_attributes, dict)
    except Exception:  # noqa: BLE001 - what came from elsewhere, encrypted already, stays as it is
        return
    message, stack = str(said.get("message", "")), str(said.get("stack_trace", ""))
    short = message if len(message) <= _LONGEST_MESSAGE else f"{message[: _LONGEST_MESSAGE - 1]}\u2026"
    told = {"message": short, "stack_trace": stack[-trace:] if trace else ""}
    if told != said:
        failure.encoded_attributes.CopyFrom(payload_converter.to_payloads([told])[0])


class ReadableRefusals(ShortFailures):
    """Messages and stack traces are encoded, for they may hold anything. A benign error is a refusal: whoever sees it
    in the engine's UI is to read why, without the codec. So its sentence, which is written to tell nothing of anybody,
    stands there in the clear. Its details stay encoded, and where in our code it was raised is nobody's concern.
    """

    def __init__(self) -> None:
        super().__init__()
        self._in_the_clear = DefaultFailureConverter()

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        if not (isinstance(exception, ApplicationError) and exception.category is ApplicationErrorCategory.BENIGN):
            super().to_failure(exception, payload_converter, failure)
            return
        self._in_the_clear.to_failure(exception, payload_converter, failure)
        failure.stack_trace = ""
        failure.ClearField("cause")
