"""The log's head in the storage: written while the worker runs, and asked before it begins."""

from threading import Event

import structlog

from domain.ports.errors import DatabaseBehindError, UnavailableError
from domain.use_cases.recovery.log_heads import LogHeads

#: How much of the log a head may lack: what is recorded within this time.
HEAD_SECONDS = 10.0

#: How often a worker looks again that waits for the database to be put right.
LOOK_AGAIN_SECONDS = 15.0

_log = structlog.get_logger(__name__)


def wait_until_current(heads: LogHeads, stopping: Event) -> bool:
    """Wait until the database is at least as new as the newest head; false if the worker is to stop before."""
    while not stopping.is_set():
        try:
            heads.check()
        except DatabaseBehindError as error:
            _log.error("database_behind_log", problem=str(error))
        except UnavailableError as error:
            _log.warning("log_head_unknown", problem=str(error))
        else:
            return True
        stopping.wait(LOOK_AGAIN_SECONDS)
    return False


def keep_head(heads: LogHeads, stopping: Event) -> None:
    """Write the log's head; a worker whose database is behind stops, and waits when it is started again."""
    try:
        heads.write()
    except DatabaseBehindError as error:
        _log.error("database_behind_log", problem=str(error))
        stopping.set()
