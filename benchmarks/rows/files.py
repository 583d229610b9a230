"""Uploads of photos and the download of an archive."""

import http.client
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from threading import Event, Thread
from unittest.mock import patch
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from minio import Minio

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from benchmarks.cpu import CpuMeter, rss_mebibytes
from benchmarks.direct_shop import command_handler_on, commit
from benchmarks.goals import fact, of_the_limit
from benchmarks.measure import Row, Sample, rate
from benchmarks.synthetic import insert_customer, new_life
from benchmarks.visitors import Visitors, noisy_jpeg
from domain.order import events as e
from domain.order.values import ObjectKey
from domain.signed_tokens import sha256_of
from entrypoints.bootstrap.adapters import open_container
from entrypoints.settings import read_settings
from sandbox.ports import listening_socket

CLIENTS = 8
MEGABYTE = 1_000_000
SAMPLE_SECONDS = 0.05
CHUNK_BYTES = 256 * 1024


class Upload(Row):
    """Photos of about 12 MB, eight at once."""

    name = "upload"
    work = "upload, 8 at once of 12 MB, hashed and inspected"
    unit = "MB/s"
    goals = (of_the_limit(0.7), fact("API memory growth MiB", at_most=64))
    notes = (
        "Limit: curl, eight at once, straight to the same S3 server through presigned addresses. CPU milliseconds are "
        "for each photo; the API's include its decoders. No peer."
    )
    rounds = 3
    needs_shop = True

    def open(self, resources: ExitStack) -> None:
        """Start the API; make the photo."""
        url = self.servers.database()
        self._api = self.servers.start_api(resources, url)
        self._visitors = Visitors(resources, self.servers.shop_url, self.servers.addresses, url)
        self._photo = noisy_jpeg(4000, 3000, quality=97) if not self.quick else noisy_jpeg(640, 480)
        self._file = self.servers.folder / "photo.jpg"
        self._file.write_bytes(self._photo)
        environment = self.servers.environment
        self._bucket = environment["S3_BUCKET"]
        self._s3 = Minio(
            environment["S3_ENDPOINT"].removeprefix("http://"),
            environment["S3_ACCESS_KEY"],
            environment["S3_SECRET_KEY"],
            secure=False,
            region=environment["S3_REGION"],
        )
        self._number = self.size(2 * CLIENTS, CLIENTS)
        self._threads = resources.enter_context(ThreadPoolExecutor(CLIENTS))
        self._meter = self.servers.meter(
            {"API": [self._api.pid], "SeaweedFS": [self.servers.pid_of("SeaweedFS")]}
        )

    def ours(self) -> Sample:
        """Send photos to the shop."""
        sessions = [self._visitors.open_session() for _ in range(self._number)]
        before = rss_mebibytes(self._api.pid)
        with _peak_memory(self._api.pid) as seen:
            sample = self._timed(lambda: list(self._threads.map(self._send, sessions)))
        return replace(sample, facts={"API memory growth MiB": max(seen) - before})

    def limit(self) -> Sample | None:
        """Send photos to S3; None without curl."""
        curl = shutil.which("curl")
        if curl is None:
            return None

        def put(address: str) -> None:
            argv = [curl, "--silent", "--fail", "--noproxy", "*", "--upload-file", str(self._file), address]
            subprocess.run(argv, check=True, capture_output=True)  # noqa: S603 -- with addresses of ours

        addresses = [
            self._s3.presigned_put_object(self._bucket, f"bare/{uuid4().hex}") for _ in range(self._number)
        ]
        return self._timed(lambda: list(self._threads.map(put, addresses)))

    def _timed(self, do: object) -> Sample:
        return rate(self._number, self._meter, do, amount=self._number * len(self._photo) / MEGABYTE)  # type: ignore[arg-type]

    def _send(self, session: str) -> None:
        parts = urlsplit(self.servers.shop_url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)
        with closing(connection):
            path = f"/api/uploads/{session}/photos?filename=picnic.jpg"
            connection.request("POST", path, self._photo, {"Content-Type": "image/jpeg"})
            answer = connection.getresponse()
            if answer.status != http.client.CREATED:
                raise AssertionError(f"The upload was answered with {answer.status}: {answer.read()!r}")
            answer.read()


class Download(Row):
    """An archive of 160 MB, by one client."""

    name = "download"
    work = "download of a 160 MB archive"
    unit = "MB/s"
    goals = (of_the_limit(2), fact("first byte ms", at_most=20), fact("answers ranges", at_least=1))
    notes = (
        "Limit: twenty files of 8 MB on the disk, zipped by `zipfile` while Litestar sends them; ours comes from S3. "
        "CPU milliseconds are for the whole archive. No peer."
    )
    rounds = 3
    needs_shop = True

    def open(self, resources: ExitStack) -> None:
        """Start both applications, and record an order with such an archive."""
        url = self.servers.database()
        self._path = f"/api/download/{self._record_order(resources, url)}/archive"
        self._api = self.servers.start_api(resources, url)
        folder = self.servers.folder / "zipped"
        folder.mkdir(exist_ok=True)
        for number in range(20):
            (folder / f"{number}.jpg").write_bytes(os.urandom(self._bytes // 20))
        socket = resources.enter_context(listening_socket())
        self._bare_url = f"http://127.0.0.1:{socket.getsockname()[1]}"
        self._bare = self.servers.start_program(
            resources,
            "benchmarks.limits.zip_app",
            str(socket.fileno()),
            str(folder),
            database_url=url,
            fds=[socket.fileno()],
        )
        self._get(self.servers.shop_url, self._path)

    def ours(self) -> Sample:
        """Fetch the archive from the shop, and a part of it."""
        sample = self._timed(self.servers.shop_url, self._path, {"API": [self._api.pid]})
        has_part = self._get(self.servers.shop_url, self._path, {"Range": "bytes=1000-1999"})[0] == 1000  # noqa: PLR2004 -- as asked for
        return replace(sample, facts={**sample.facts, "answers ranges": float(has_part)})

    def limit(self) -> Sample:
        """Fetch the archive that is zipped meanwhile."""
        return self._timed(self._bare_url, "/archive", {"zipfile": [self._bare.pid]})

    @property
    def _bytes(self) -> int:
        return self.size(160, 8) * MEGABYTE

    def _timed(self, url: str, path: str, groups: dict[str, list[int]]) -> Sample:
        meter = CpuMeter({**groups, "SeaweedFS": [self.servers.pid_of("SeaweedFS")]})
        first: list[float] = []

        def fetch() -> None:
            received, seconds = self._get(url, path)
            if received < self._bytes:
                raise AssertionError(f"{received} of {self._bytes} bytes came.")
            first.append(seconds)

        sample = rate(1, meter, fetch, amount=self._bytes / MEGABYTE)
        return replace(sample, facts={"first byte ms": first[0] * 1000})

    def _get(self, url: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, float]:
        """Return how many bytes came, and the seconds until the first."""
        parts = urlsplit(url)
        with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)) as connection:
            began = time.perf_counter()
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            received = len(answer.read(1))
            first = time.perf_counter() - began
            while chunk := answer.read(CHUNK_BYTES):
                received += len(chunk)
        return received, first

    def _record_order(self, resources: ExitStack, url: str) -> str:
        """Store an archive and its order; return the link's token."""
        resources.enter_context(patch.dict(os.environ, self.servers.settings_of(url)))
        ports = resources.enter_context(open_container(read_settings())).ports
        archive = ports.storage.put(
            ObjectKey(f"downloads/{uuid4().hex}.zip"),
            BytesIO(os.urandom(self._bytes)),
            size_bytes=self._bytes,
            media_type="application/zip",
        )
        facts, life = new_life()
        token = ""
        with psycopg.connect(url, autocommit=True) as connection:
            insert_customer(connection, facts)
        with closing(PostgresUnitOfWork(url, connections=1)) as unit_of_work:
            handler = command_handler_on(unit_of_work)
            for event in life:
                if isinstance(event, e.DownloadPrepared):
                    token = ports.token_signer.download_token(event.link_id)
                    expires_at = datetime.now(UTC) + timedelta(days=30)
                    event = replace(  # noqa: PLW2901 -- the same event, with what exists
                        event, archive=archive, token_sha256=sha256_of(token), expires_at=expires_at
                    )
                commit(handler, facts.order_id, event)
        return token


@contextmanager
def _peak_memory(pid: int) -> Iterator[list[float]]:
    """Read a process's memory again and again while the block lasts."""
    seen, stopping = [rss_mebibytes(pid)], Event()

    def look() -> None:
        while not stopping.wait(SAMPLE_SECONDS):
            seen.append(rss_mebibytes(pid))

    thread = Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        stopping.set()
        thread.join()
