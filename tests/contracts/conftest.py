"""Each port twice: its double, and the real adapter against the outside world."""

from uuid import uuid4

import pytest

from domain.ports.storage import ObjectStore
from tests.adapters.accounts import minio_store
from tests.doubles.storage import MemoryStore


@pytest.fixture(params=["double", "minio"])
def store(request: pytest.FixtureRequest) -> ObjectStore:
    if request.param == "double":
        return MemoryStore()
    return minio_store(request.getfixturevalue("s3"))


@pytest.fixture
def folder() -> str:
    """A prefix of its own for each test, for they share one bucket."""
    return f"uploads/temp/{uuid4()}"
