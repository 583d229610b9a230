"""Disk and memory of this machine."""

import os
import shutil
import tempfile
from collections.abc import Iterator

from entrypoints.bootstrap.diagnosis import Diagnosis
from entrypoints.doctor.findings import Check, Finding, error, warning
from entrypoints.settings import Settings

SUBJECT = "machine"

_MEBIBYTE = 1024 * 1024
#: Photos that are spooled at a time, with what is made of them.
SPOOLED_PHOTOS = 32
#: Less than this is soon full, whatever the photos' size.
LEAST_MEBIBYTES = 1024


def checks(diagnosis: Diagnosis) -> list[Check]:
    """The checks of this machine."""
    settings = diagnosis.settings
    return [
        Check(subject=SUBJECT, look=lambda: _disk(settings)),
        Check(subject=SUBJECT, look=lambda: _memory(settings)),
    ]


def _disk(settings: Settings) -> Iterator[Finding]:
    try:
        folder = tempfile.gettempdir()
        free = shutil.disk_usage(folder).free // _MEBIBYTE
    except OSError as problem:
        yield error(
            "temporary_folder_unusable",
            f"No temporary files can be written ({problem.strerror or type(problem).__name__}): set TMPDIR to a folder"
            " that can be.",
        )
        return
    required = max(LEAST_MEBIBYTES, SPOOLED_PHOTOS * settings.max_photo_mebibytes)
    if free < required:
        yield error(
            "disk_full",
            f"{folder} has {free:,} MiB free, and uploads may need {required:,}: free some, or set TMPDIR to a larger"
            " disk.",
        )


def _memory(settings: Settings) -> Iterator[Finding]:
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _MEBIBYTE
    required = settings.decoder_processes * settings.decoder_memory_mebibytes
    if required > physical:
        yield warning(
            "memory_small",
            f"Decoders may take {required:,} MiB in each process of the shop, and this machine has {physical:,}: lower"
            " DECODER_PROCESSES or DECODER_MEMORY_MEBIBYTES.",
        )
