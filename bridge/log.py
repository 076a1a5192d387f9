"""One line per change of state, the event in the past tense, ids as fields. No message text, no secret."""

import contextlib
import logging
import sys
from contextlib import AbstractContextManager
from typing import TextIO, cast

import structlog

from bridge.trace import trace_id

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("auto", "text", "json")


class _Steadfast:
    """A stream that loses a line rather than the work that it speaks of, when the disk is full or the pipe closed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()


def about(envelope_id: str) -> AbstractContextManager[None]:
    """Every line that is logged in this block, or by a task that is begun in it, carries the message's trace id."""
    return structlog.contextvars.bound_contextvars(trace=trace_id(envelope_id))


def configure(level: str = "info", form: str = "auto") -> None:
    """Sends every log line, libraries' included, to standard error: for people at a terminal, else as JSON."""
    numeric = logging.getLevelNamesMapping()[level.upper()]
    for_people = form == "text" or (form == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(
            pad_event_to=22,
            exception_formatter=structlog.dev.plain_traceback,  # the pretty one prints locals: tokens and messages
        )
        if for_people
        else structlog.processors.JSONRenderer()
    )
    last: list[structlog.typing.Processor] = [render] if for_people else [structlog.processors.format_exc_info, render]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _Steadfast(sys.stderr))),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    # Libraries log payloads, and with them messages, at their lower levels.
    root.setLevel(max(numeric, logging.WARNING))
