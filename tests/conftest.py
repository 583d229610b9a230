"""The outside world that many tests share: each server starts once, when the first test asks for it."""

from collections.abc import Iterator

import pytest
from minio import Minio

from sandbox.processes import Supervisor
from sandbox.services import seaweedfs_server
from sandbox.services.seaweedfs_server import REGION, S3
from tests.adapters.accounts import BUCKET


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with Supervisor() as supervisor:
        server = seaweedfs_server.start(supervisor, tmp_path_factory.mktemp("s3"))
        host = server.endpoint.removeprefix("http://")
        Minio(host, server.access_key, server.secret_key, secure=False, region=REGION).make_bucket(BUCKET)
        yield server
