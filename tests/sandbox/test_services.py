"""The real servers, one at a time."""

import io
import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import httpx2
import psycopg
import pytest
import redis
from minio import Minio
from minio.error import S3Error

from sandbox.processes import Supervisor
from sandbox.services import postgres_server, postgresql, seaweedfs, valkey
from sandbox.services.seaweedfs_server import S3


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with seaweedfs(tmp_path_factory.mktemp("s3")) as s3:
        yield s3


def client_of(s3: S3) -> Minio:
    endpoint = s3.endpoint.removeprefix("http://")
    return Minio(endpoint, s3.access_key, s3.secret_key, secure=False, region="us-east-1")


def test_the_database_is_postgresql_18_and_makes_every_commit_durable(tmp_path: Path) -> None:
    with postgresql(tmp_path) as url, psycopg.connect(url) as connection:
        assert connection.info.dbname == "restoreclick"
        assert connection.info.server_version // 10_000 == 18
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert connection.execute(f"SHOW {setting}").fetchone() == ("on",)


def test_the_database_keeps_what_was_committed_even_if_its_server_is_killed(tmp_path: Path) -> None:
    with Supervisor() as supervisor:
        url = postgres_server.start(supervisor, tmp_path)
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE photos AS SELECT 'great-aunt-1931.jpg' AS name")
        os.kill(supervisor.processes[0].pid, signal.SIGKILL)
    with postgresql(tmp_path) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT name FROM photos").fetchone() == ("great-aunt-1931.jpg",)


def test_sockets_work_in_a_folder_whose_path_is_too_long_for_them(tmp_path: Path) -> None:
    short_folders = set(Path(tempfile.gettempdir()).glob("restoreclick-*"))
    folder = tmp_path / ("the-attic-of-the-old-house-" * 5)
    with postgresql(folder) as database_url, valkey(folder) as redis_url:
        psycopg.connect(database_url).close()
        with redis.Redis.from_url(redis_url) as client:
            assert client.ping()
    assert set(Path(tempfile.gettempdir()).glob("restoreclick-*")) <= short_folders


def test_a_message_broker_starts_empty_and_open_to_its_owner_alone(tmp_path: Path) -> None:
    for _ in range(2):
        with valkey(tmp_path) as url, redis.Redis.from_url(url) as client:
            assert client.dbsize() == 0
            assert client.info("server")["valkey_version"].startswith("9.")
            assert client.config_get("port") == {"port": "0"}
            client.set("forgotten", "with the server")


def test_an_object_is_written_once(s3: S3) -> None:
    client = client_of(s3)
    client.make_bucket("albums")
    client.put_object("albums", "aunt.jpg", io.BytesIO(b"sepia"), 5)
    with client.get_object("albums", "aunt.jpg") as response:
        assert response.read() == b"sepia"
    url = client.presigned_put_object("albums", "aunt.jpg")
    answer = httpx2.put(url, content=b"colour", headers={"If-None-Match": "*"}, trust_env=False)
    assert answer.status_code == HTTPStatus.PRECONDITION_FAILED


def test_a_wrong_secret_opens_no_bucket(s3: S3) -> None:
    with pytest.raises(S3Error, match="SignatureDoesNotMatch"):
        client_of(s3._replace(secret_key="guessed")).list_buckets()


def test_the_s3_server_is_not_to_be_reached_from_outside(s3: S3) -> None:
    port = int(s3.endpoint.rpartition(":")[2])
    socket.create_connection(("127.0.0.1", port), timeout=5).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=5)
