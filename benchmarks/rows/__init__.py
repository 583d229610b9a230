"""All rows of the table, in its order."""

from benchmarks.measure import Row
from benchmarks.rows.commits import CommitOnEightThreads, CommitOnOneThread
from benchmarks.rows.files import Download, Upload
from benchmarks.rows.growth import Archive, Growth
from benchmarks.rows.loading import LoadLongOrder, LoadShortOrder
from benchmarks.rows.log import ReadLog, Rebuild, Verify
from benchmarks.rows.metrics import MetricsShare
from benchmarks.rows.orders import OnePhotoOrder, PaymentToMail
from benchmarks.rows.pipeline import Reactions, Throughput
from benchmarks.rows.programs import Help, ListOrders, Simulation
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
    OnePhotoOrder,
    PaymentToMail,
    Throughput,
    Reactions,
    Upload,
    Download,
    Growth,
    Archive,
    MetricsShare,
    Simulation,
    Help,
    ListOrders,
)
