"""Hostile images, which must not delay other clients."""

import asyncio
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore
from typing import Any, BinaryIO
from uuid import UUID

import pytest
from PIL import Image

from adapters.images.decoder_pool import DecoderLimits, DecoderPool
from adapters.images.pooled_inspector import PooledInspector
from domain.ports.cancellation import Cancellation
from domain.ports.errors import UnavailableError
from domain.ports.images import ImageFacts, ImageInspector
from entrypoints.http.dependencies import UPLOAD_THREADS
from tests.adapters.images.test_jpeg_scans import with_scans
from tests.doubles.images import PlainInspector
from tests.entrypoints.support.http_fixtures import (
    PORTRAIT,
    ApiClient,
    application,
    assert_problem,
    post_scope,
)


def inspect_with(api: ApiClient, inspector: ImageInspector) -> None:
    api.shop.upload_service = api.shop.with_ports(inspector=inspector).upload_service


@pytest.fixture
def pool() -> Iterator[DecoderPool]:
    pool = DecoderPool(DecoderLimits(cpu_seconds=5, wall_seconds_per_cpu_second=20))
    yield pool
    pool.close()


def ordinary() -> bytes:
    file = io.BytesIO()
    Image.effect_noise((1200, 900), 50).convert("RGB").save(file, "JPEG")
    return file.getvalue()


def test_pictures_of_1500_scans_are_refused_and_others_taken(api: ApiClient, pool: DecoderPool) -> None:
    inspect_with(api, PooledInspector(pool))
    session_id, hostile = api.open_session(), with_scans(1500, size=(5000, 5000))
    with ThreadPoolExecutor() as threads:
        sent = [
            threads.submit(api.send_photo, session_id, content) for content in (hostile, hostile, ordinary())
        ]
        answers = [each.result() for each in sent]
    for refused in answers[:2]:
        detail = assert_problem(refused, 422, "photo-unreadable")["detail"]
        # If it were decoded, it would reach the CPU limit, whose message is another.
        assert "draws its picture more than 100 times over" in detail
    assert answers[2].status_code == 201


class Held(PlainInspector):
    """An inspection that ends when it is released or canceled."""

    def __init__(self) -> None:
        self.begun = Semaphore(0)
        self.let_go = Event()

    def inspect(self, picture: BinaryIO, *, cancellation: Cancellation | None = None) -> ImageFacts:
        assert cancellation is not None
        with cancellation.calling(self.let_go.set):
            self.begun.release()
            assert self.let_go.wait(timeout=20)
        return super().inspect(picture, cancellation=cancellation)


def test_downloads_do_not_wait_for_decoders(api: ApiClient) -> None:
    token, session_id, held = api.shop.token(api.shop.delivered()), api.open_session(), Held()
    inspect_with(api, held)
    with ThreadPoolExecutor(UPLOAD_THREADS) as threads:
        sent = [
            threads.submit(api.send_photo, session_id, b"photo %d" % number)
            for number in range(UPLOAD_THREADS)
        ]
        try:
            assert all(held.begun.acquire(timeout=20) for _ in sent)
            assert api.http.get(f"/api/download/{token}").status_code == 200
            assert api.http.get(f"/api/uploads/{session_id}").status_code == 200
        finally:
            held.let_go.set()
        assert {each.result().status_code for each in sent} == {201}


def test_decoding_ends_when_the_sender_hangs_up(api: ApiClient) -> None:
    held = Held()
    session_id = api.open_session()
    inspect_with(api, held)
    assert answer_to_a_sender_who_leaves(api, session_id, held) == 400
    assert not api.shop.upload_service.find(session_id).photos
    assert not api.shop.storage.objects


def answer_to_a_sender_who_leaves(api: ApiClient, session_id: UUID, held: Held) -> int:
    """Send a photo, disconnect during its decoding, and return the unread status."""
    path = f"/api/uploads/{session_id}/photos"
    statuses: list[int] = []
    messages = iter([{"type": "http.request", "body": PORTRAIT, "more_body": False}])

    async def receive() -> dict[str, Any]:
        for message in messages:
            return message
        await asyncio.to_thread(held.begun.acquire)
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = post_scope(path, "image/jpeg")
    asyncio.run(application(api.shop)(scope, receive, send))  # type: ignore[arg-type]
    (status,) = statuses
    return status


class Full(PlainInspector):
    """An image inspector that is overloaded."""

    def check(self) -> None:
        raise UnavailableError("The picture decoder", "too many pictures are waiting", retry_after_seconds=60)

    def inspect(self, *_: object, **__: object) -> ImageFacts:
        raise AssertionError("The photo was read though it could not be decoded.")


def test_a_full_queue_refuses_photos_unread_and_says_when_to_come_back(api: ApiClient) -> None:
    session_id = api.open_session()
    inspect_with(api, Full())
    answer = api.send_photo(session_id)
    assert assert_problem(answer, 503, "unavailable")["detail"] == (
        "The picture decoder is not available: try again in 60 seconds."
    )
    assert answer.headers["retry-after"] == "60"


def test_readiness_says_when_uploads_are_refused(api: ApiClient) -> None:
    inspect_with(api, Full())
    answer = api.http.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert "too many pictures are waiting" in answer.json()["checks"]["uploads"]
