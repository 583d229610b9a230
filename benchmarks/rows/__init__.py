"""All rows of the table, in its order."""

from benchmarks.measure import Row
from benchmarks.rows.commits import CommitOnEightThreads, CommitOnOneThread
from benchmarks.rows.reading import LoadLongOrder, LoadShortOrder, ReadLog, Rebuild, Verify

ROWS: tuple[type[Row], ...] = (
    CommitOnOneThread,
    CommitOnEightThreads,
    LoadShortOrder,
    LoadLongOrder,
    ReadLog,
    Rebuild,
    Verify,
)
