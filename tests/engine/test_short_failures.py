"""What the engine keeps of a failure fits where the UI shows it."""

from typing import Any

import pytest
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DataConverter

from engine.codec import PayloadKeys, data_converter

KEYS = PayloadKeys((("one", b"1" * 32),))
MOST = 4096  # bytes of a failure, beyond which the server writes "Failure exceeds size limit." in its place


def _broken(depth: int) -> None:
    try:
        if depth:
            _broken(depth - 1)
    except ValueError as error:
        raise ValueError("SELECT all the columns of a large table " * 500) from error
    raise ValueError("SELECT all the columns of a large table " * 500)


async def _kept(error: BaseException, converter: DataConverter) -> Failure:
    failure = Failure()
    await converter.encode_failure(error, failure)
    return failure


async def _told(failure: Failure) -> dict[str, Any]:
    read = await data_converter(KEYS).decode([failure.encoded_attributes])
    assert isinstance(read[0], dict)
    return read[0]


async def test_a_long_failure_with_many_causes_is_short() -> None:
    with pytest.raises(ValueError, match="SELECT") as broken:
        _broken(8)
    kept = await _kept(broken.value, data_converter(KEYS))
    assert kept.ByteSize() < MOST
    told = await _told(kept)
    assert told["message"].startswith("SELECT all the columns")
    assert "in _broken" in told["stack_trace"]  # where it happened, rather than how it was come to


async def test_a_short_one_is_kept_as_it_is() -> None:
    kept = await _kept(ValueError("no such row"), data_converter(KEYS))
    assert (await _told(kept))["message"] == "no such row"
    assert kept.message == "Encoded failure"
