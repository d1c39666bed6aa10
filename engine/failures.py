"""How failures are written into the engine: encoded, but for those that are meant for people to read."""

from temporalio.api.failure.v1 import Failure
from temporalio.converter import (
    DefaultFailureConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadConverter,
)
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory


class ReadableRefusals(DefaultFailureConverterWithEncodedAttributes):
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
