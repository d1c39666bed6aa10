"""One way of logging for every program: JSON lines in production, short lines for people otherwise.

Logs carry ids and words of the product, never what a client wrote or paid for.
"""

import logging
import sys
from contextlib import nullcontext
from functools import partial

import structlog
from temporalio.runtime import LogForwardingConfig, LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter

from engine.outages import CountOutages
from engine.watching.sdk_numbers import SdkNumbers

# Libraries that would log bodies, keys or every request.
_TOO_TALKATIVE = (
    "httpcore",
    "httpx",
    "python_http_client",
    "sendgrid",
    "stripe",
    "temporalio.worker",
    "urllib3",
    "uvicorn",
)


def _written(handler: logging.Handler, line: logging.LogRecord) -> None:
    """Past the handler's filters, which made the line."""
    with handler.lock or nullcontext():
        handler.emit(line)


def set_up_logs(*, production: bool, time_travel: bool = False, numbers: SdkNumbers | None = None) -> None:
    """Send structlog's, the standard library's and the SDK's lines to standard output, in one format; and its numbers
    where ``numbers`` says.

    Call it before the first client is made. On the movable clock the SDK's own warnings are left out: they
    tell, again and again, what the time-skipping server cannot do.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso" if production else "%H:%M:%S", utc=production),
    ]
    last: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if production
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
            )
        ]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    handler.addFilter(CountOutages(partial(_written, handler)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in _TOO_TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    core = logging.getLogger("temporalio.core")
    Runtime.set_default(
        Runtime(
            telemetry=TelemetryConfig(
                logging=LoggingConfig(
                    filter=TelemetryFilter(core_level="ERROR" if time_travel else "WARN", other_level="ERROR"),
                    forwarding=LogForwardingConfig(logger=core, append_target_to_name=False),
                ),
                metrics=numbers.config if numbers is not None else None,
            )
        ),
        error_if_already_set=False,
    )
