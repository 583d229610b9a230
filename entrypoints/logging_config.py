"""Configuration of structured logs on standard error.

Processes write JSON lines with a stable event name and ids, never personal data or secrets.
"""

import logging
import sys

import structlog
from structlog.tracebacks import ExceptionDictTransformer

#: Libraries whose info and debug logs hold what a log must not: addresses, tokens in URLs, request bodies.
_DISCREET = (
    "alembic",
    "httpcore",
    "httpcore2",
    "httpx",
    "httpx2",
    "python_http_client",
    "replicate",
    "sqlalchemy.engine",
    "stripe",
    "urllib3",
)


def log_beside_the_answer() -> None:
    """Log as text to standard error.

    A command's standard output is for its result alone.
    """
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))


def add_trace_id(
    _logger: structlog.typing.WrappedLogger, _method: str, line: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Add the trace of a line's order, else of its request.

    The id is that of the traces for OpenTelemetry, whether or not these are exported.
    """
    about = line.get("order_id") or line.get("request_id")
    if about is not None:
        line["trace_id"] = str(about).replace("-", "")
    return line


def configure_logs(level: str) -> None:
    """Write all logs of this level or above as JSON lines."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        add_trace_id,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # Leaves out the frames' local variables, which may hold a customer's address or a token.
        structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _DISCREET:
        logging.getLogger(name).setLevel(logging.WARNING)
