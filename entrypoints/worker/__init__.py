"""The worker: does outstanding work, sends again what got lost, and tidies up."""

from entrypoints.worker.worker_process import run

__all__ = ["run"]
