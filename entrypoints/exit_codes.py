"""The exit statuses of all commands, which are stable."""

from collections.abc import Mapping
from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    FAILED = 1
    MISUSE = 2
    LOG_ENDS = 66  # EX_NOINPUT of sysexits.h: never the status of a program that could not start
    LOG_UNAVAILABLE = 255  # PostgreSQL takes a status up to 125 for the end of the log
    INTERRUPTED = 130  # by a shell's convention, 128 and the number of SIGINT


MEANINGS: Mapping[ExitCode, str] = {
    ExitCode.DONE: "It is done, or nothing is wrong.",
    ExitCode.FAILED: "It failed, or found something that needs someone; a sentence on standard error, or the report,"
    " says what.",
    ExitCode.MISUSE: "The command or a setting is wrong, and nothing was done.",
    ExitCode.INTERRUPTED: "Ctrl-C ended it.",
    ExitCode.LOG_ENDS: "Of `backup wal fetch` alone: there is no such file.",
    ExitCode.LOG_UNAVAILABLE: "Of `backup wal fetch` alone: whether the file exists is unknown, so PostgreSQL retries.",
}

#: Of commands that are asked by cron or a monitor, whose statuses are those of its plugins.
REPORTS: Mapping[str, Mapping[int, str]] = {
    "doctor": {
        0: "nothing is wrong",
        1: "there are warnings only",
        2: "the shop cannot work, or loses something",
    },
    "setup": {0: "as `doctor`", 1: "as `doctor`", 2: "as `doctor`"},
    "status": {0: "nothing needs someone", 1: "something does", 2: "something cannot wait"},
}
