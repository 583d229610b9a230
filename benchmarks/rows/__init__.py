"""All rows of the table, in its order."""

from benchmarks.measure import Row
from benchmarks.rows.commits import CommitOnEightThreads, CommitOnOneThread
from benchmarks.rows.pipeline import Reactions, Throughput
from benchmarks.rows.reading import LoadLongOrder, LoadShortOrder, ReadLog, Rebuild, Verify
from benchmarks.rows.webhook import Webhook

ROWS: tuple[type[Row], ...] = (
    Webhook,
    CommitOnOneThread,
    CommitOnEightThreads,
    LoadShortOrder,
    LoadLongOrder,
    ReadLog,
    Rebuild,
    Verify,
    Throughput,
    Reactions,
)
