"""Versions of Python, PostgreSQL and libraries that this program supports."""

import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from entrypoints.bootstrap.diagnosis import OLDEST_SERVER, Diagnosis
from entrypoints.doctor.findings import Check, Finding, error, warning

SUBJECT = "versions"

#: The newest versions that the tests run on.
NEWEST_PYTHON = (3, 14)
NEWEST_SERVER = 18

DISTRIBUTION = "restoreclick"


def checks(diagnosis: Diagnosis) -> list[Check]:
    """The checks of versions."""
    return [
        Check(subject=SUBJECT, look=_python),
        Check(subject=SUBJECT, look=_libraries),
        Check(subject=SUBJECT, look=lambda: _postgresql(diagnosis), needs=["database"]),
    ]


def _python() -> Iterator[Finding]:
    if sys.version_info[:2] > NEWEST_PYTHON:
        yield warning(
            "python_untested",
            f"Python {sys.version_info[0]}.{sys.version_info[1]} is newer than this program was tested on: use"
            f" {NEWEST_PYTHON[0]}.{NEWEST_PYTHON[1]}.",
        )


def _libraries() -> Iterator[Finding]:
    for text in requires(DISTRIBUTION) or ():
        required = Requirement(text)
        if required.marker is not None and not required.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(required.name)
        except PackageNotFoundError:
            found = ""
        if not found or not required.specifier.contains(found, prereleases=True):
            yield error(
                "library_unfit",
                f"{required.name} is {found or 'missing'}, and {required.specifier} is required: install RestoreClick"
                " again with requirements.lock.",
            )


def _postgresql(diagnosis: Diagnosis) -> Iterator[Finding]:
    found = diagnosis.server_facts().major_version
    if not OLDEST_SERVER <= found <= NEWEST_SERVER:
        yield warning(
            "postgresql_untested",
            f"PostgreSQL {found} was not tested with this program: use {OLDEST_SERVER} to {NEWEST_SERVER}.",
        )
