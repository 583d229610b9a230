"""The log's head in the storage: checked at startup, then written regularly."""

from threading import Event

import structlog

from domain.ports.errors import DatabaseBehindError, UnavailableError
from domain.use_cases.monitoring.owner_letters import OwnerLetterService
from domain.use_cases.recovery.log_heads import LogHeads
from entrypoints.bootstrap.wording import error_text
from entrypoints.worker.periodic_tasks import run_once

#: The interval between two writes of the head, so a head lacks at most what was recorded in this time.
HEAD_SECONDS = 10.0

#: How often a waiting worker checks whether the database is current again.
LOOK_AGAIN_SECONDS = 15.0

_log = structlog.get_logger(__name__)


def wait_until_current(heads: LogHeads, stopping: Event, letters: OwnerLetterService) -> bool:
    """Wait until the database is as new as the newest head.

    The owner gets a letter meanwhile, because no periodic task runs. False if ``stopping`` was set first.
    """
    while not stopping.is_set():
        try:
            heads.check()
        except DatabaseBehindError as error:
            _log.error("database_behind_log", problem=error_text(error))
            write_to_owner(letters)
        except UnavailableError as error:
            _log.warning("log_head_unknown", problem=str(error))
        else:
            return True
        stopping.wait(LOOK_AGAIN_SECONDS)
    return False


def write_to_owner(letters: OwnerLetterService) -> None:
    """Tell the owner that the database is behind; failures are logged."""
    run_once("owner_letters", letters.send_of_restored_database)


def keep_head(heads: LogHeads, stopping: Event) -> None:
    """Write the log's head; stop the worker if its database is behind.

    The worker waits in ``wait_until_current`` when it is started again.
    """
    try:
        heads.write()
    except DatabaseBehindError as error:
        _log.error("database_behind_log", problem=error_text(error))
        stopping.set()
