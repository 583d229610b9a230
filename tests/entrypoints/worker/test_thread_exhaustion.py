"""A worker process ends when a queue has no thread left."""

from threading import Event

import pytest

from entrypoints.worker.lease_renewal import LeaseRenewal
from entrypoints.worker.thread_exhaustion import ExhaustionWatch, WorkerExhaustedError, exhausted_queues
from tests.entrypoints.worker.test_worker_parts import Renewals, claim, order


def test_a_queue_is_exhausted_when_each_of_its_threads_hangs() -> None:
    assert exhausted_queues({"storage": 2, "email": 1}, threads=2) == ["storage"]


def test_a_process_stops_and_names_the_queue_whose_threads_all_hang() -> None:
    ours, stopping = claim(), Event()
    leases = LeaseRenewal(Renewals(ours))  # type: ignore[arg-type]
    watch = ExhaustionWatch(leases, threads=1, stopping=stopping)
    watch.renew()
    watch.check()
    assert not stopping.is_set()
    with leases.keep(ours, order(ours), "storage"):
        watch.renew()
        watch.renew()
    assert stopping.is_set()
    with pytest.raises(WorkerExhaustedError, match="Every thread for storage waits"):
        watch.check()
