"""A flood of the same trouble is a few lines, and no other line is lost for it."""

import logging

import structlog

from engine.outages import CountOutages


class OperationalError(Exception):
    """Named as the driver's is."""


class Log:
    """A logger whose lines are kept, and a clock that is moved by hand."""

    def __init__(self) -> None:
        self.time = 0.0
        self.lines: list[str] = []
        self.filter = CountOutages(self.keep, now=lambda: self.time)

    def keep(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())

    def write(self, text: object, *, error: BaseException | None = None, level: int = logging.WARNING) -> None:
        exc_info = (type(error), error, None) if error else None
        record = logging.LogRecord("steps", level, __file__, 1, text, None, exc_info)
        if self.filter.filter(record):
            self.keep(record)

    def goes_on(self, seconds: float) -> None:
        self.time += seconds
        self.filter.look()


def _wrapped() -> Exception:
    error = RuntimeError("the step failed")
    error.__cause__ = OperationalError("the server is away")
    return error


def test_an_outage_is_a_line_at_its_beginning_one_a_minute_and_one_at_its_end() -> None:
    log = Log()
    for _ in range(130):
        for _ in range(147):
            log.write("Completing activity as failed", error=_wrapped())
        log.goes_on(1)
    assert log.lines[0] == "Completing activity as failed"
    assert len(log.lines) == 3
    assert "more of these" in log.lines[1]
    log.goes_on(59)
    log.goes_on(2)
    log.goes_on(600)
    ends = log.lines[3:]
    assert any(str(130 * 147) in line for line in ends)
    assert len(log.lines) <= 5
    log.write("Completing activity as failed", error=_wrapped())
    assert log.lines[-1] == "Completing activity as failed"  # the next one begins with a line again


def test_what_is_no_outage_is_logged_whenever_it_happens() -> None:
    log = Log()
    for _ in range(10):
        log.write("this mail cannot be written", error=ValueError("a bug"))
        log.write("Ready", level=logging.INFO)
    assert len(log.lines) == 20


def test_a_line_of_the_product_tells_its_error_by_name() -> None:
    log = Log()
    for _ in range(50):
        log.write({"event": "unavailable", "route": "/v1/clients", "error": "OperationalError"})
    assert len(log.lines) == 1


def test_it_stands_before_every_line_of_a_program() -> None:
    from engine.logs import set_up_logs

    root = logging.getLogger()
    before = root.handlers[:]
    try:
        set_up_logs(production=True)
        [handler] = root.handlers
        assert any(isinstance(found, CountOutages) for found in handler.filters)
    finally:
        root.handlers[:] = before
        structlog.reset_defaults()
