"""Archives, scratch files and evidence in memory."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from domain.ports.archives import ArchiveEntry
from domain.ports.dispute_evidence import Evidence
from domain.use_cases.audit.archive_files import text_file


class PlainArchiver:
    """Archives that concatenate their entries."""

    def archive(self, entries: list[ArchiveEntry]) -> tuple[int, Iterator[bytes]]:
        whole = b"".join(entry.name.encode() + b"".join(entry.content) for entry in entries)
        return len(whole), iter([whole])


class InMemoryScratchFiles:
    """Scratch files in memory."""

    @contextmanager
    def file(self) -> Iterator[BinaryIO]:
        yield io.BytesIO()


class PlainEvidenceWriter:
    """A file that is the ``repr`` of its evidence."""

    def files(self, evidence: Evidence) -> list[ArchiveEntry]:
        return [text_file("evidence.txt", repr(evidence))]
