"""The worker: performs reactions, resends lost ones and runs periodic tasks."""

from entrypoints.worker.worker_process import run

__all__ = ["run"]
