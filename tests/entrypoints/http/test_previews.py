"""Previews of uploads, of an order's photos, and behind a download link."""

import asyncio
from functools import partial
from threading import Event
from uuid import uuid4

import pytest

from domain.order import events as e
from domain.ports.errors import UnavailableError
from entrypoints.http.previews import PreviewCache
from tests.doubles.images import JPEG_BEGINS
from tests.entrypoints.support.http_fixtures import PORTRAIT, ApiClient, assert_problem

SIZES = {"thumbnail": 480, "screen": 1600}


def small(content: bytes, side_pixels: int) -> bytes:
    return JPEG_BEGINS + b"%d pixels of " % side_pixels + content


def uploaded(api: ApiClient, content: bytes = PORTRAIT) -> str:
    session_id = api.open_session()
    photo_id = api.send_photo(session_id, content).json()["photo_id"]
    return f"/api/uploads/{session_id}/photos/{photo_id}/preview"


def behind_a_link(api: ApiClient, *photos: bytes) -> str:
    order_id = api.shop.delivered(*photos)
    (image,) = api.shop.order(order_id).restored_images
    return f"/api/download/{api.shop.token(order_id)}/{image.image_id}"


@pytest.mark.parametrize(("size", "side_pixels"), SIZES.items())
def test_an_uploaded_photo_has_a_preview_of_either_size(api: ApiClient, size: str, side_pixels: int) -> None:
    answer = api.http.get(uploaded(api), params={"size": size})
    assert (answer.status_code, answer.content) == (200, small(PORTRAIT, side_pixels))
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "private, no-cache"


def test_a_preview_of_an_upload_is_a_thumbnail_by_default(api: ApiClient) -> None:
    assert api.http.get(uploaded(api)).content == small(PORTRAIT, 480)


@pytest.mark.parametrize(("size", "side_pixels"), SIZES.items())
def test_results_and_originals_behind_a_link_have_previews(
    api: ApiClient, size: str, side_pixels: int
) -> None:
    path = behind_a_link(api)
    after = api.http.get(path, params={"size": size})
    before = api.http.get(f"{path}/original", params={"size": size})
    assert (before.content, after.content) == (
        small(PORTRAIT, side_pixels),
        small(b"restored " + PORTRAIT, side_pixels),
    )


def test_a_preview_of_a_result_is_not_on_record_as_served(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    (image,) = api.shop.order(order_id).restored_images
    api.http.get(f"/api/download/{api.shop.token(order_id)}/{image.image_id}?size=screen")
    assert not any(isinstance(event, e.ResultServed) for event in api.shop.events(order_id))


def test_an_orders_photo_has_a_preview_before_and_after_it_is_copied(api: ApiClient) -> None:
    order_id = api.shop.pay(api.shop.upload(PORTRAIT))
    (image_id,) = api.shop.order(order_id).images
    path = f"/api/orders/{order_id}/photos/{image_id}/preview"
    assert api.http.get(path).content == small(PORTRAIT, 480)
    api.shop.live(order_id)
    assert api.http.get(path).content == small(PORTRAIT, 480)


def test_a_preview_that_the_browser_has_is_not_sent_again(api: ApiClient) -> None:
    path = uploaded(api)
    etag = api.http.get(path).headers["etag"]
    again = api.http.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    other = api.http.get(path, params={"size": "screen"}, headers={"If-None-Match": etag})
    assert other.status_code == 200


def test_the_headers_of_a_preview_can_be_had_alone(api: ApiClient) -> None:
    path = uploaded(api)
    looked, shown = api.http.head(path), api.http.get(path)
    assert (looked.content, looked.headers["etag"]) == (b"", shown.headers["etag"])
    assert int(looked.headers["content-length"]) == len(shown.content)


def test_an_unknown_size_is_refused(api: ApiClient) -> None:
    assert_problem(api.http.get(uploaded(api), params={"size": "gigantic"}), 400, "request-malformed")


def test_a_removed_photo_and_one_of_another_session_have_no_preview(api: ApiClient) -> None:
    path = uploaded(api)
    photo_id = path.split("/")[-2]
    assert_problem(
        api.http.get(f"/api/uploads/{api.open_session()}/photos/{photo_id}/preview"), 404, "photo-unknown"
    )
    api.http.delete(path.removesuffix("/preview"))
    assert_problem(api.http.get(path), 404, "photo-unknown")
    assert_problem(
        api.http.get(f"/api/uploads/{uuid4()}/photos/{photo_id}/preview"), 404, "upload-session-unknown"
    )


def test_photos_of_a_purged_order_have_no_preview(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    (image_id,) = api.shop.order(order_id).images
    api.shop.clock.advance(days=200)
    api.shop.photo_retention.purge()
    api.shop.work()
    assert api.shop.order(order_id).photos_are_purged
    assert_problem(api.http.get(f"/api/orders/{order_id}/photos/{image_id}/preview"), 404, "photo-unknown")
    link = f"/api/download/{api.shop.token(order_id)}/{image_id}"
    assert_problem(api.http.get(f"{link}/original"), 410, "link-expired")
    assert_problem(api.http.get(f"{link}?size=screen"), 410, "link-expired")


def test_an_upload_whose_bytes_are_deleted_has_no_preview(api: ApiClient) -> None:
    path = uploaded(api, b"a photo whose bytes are deleted")
    api.shop.storage.objects.clear()
    assert_problem(api.http.get(path), 404, "photo-unknown")


def test_the_token_of_one_order_shows_no_photo_of_another(api: ApiClient) -> None:
    mine, yours = api.shop.delivered(), api.shop.delivered(b"your grandfather")
    (image_id,) = api.shop.order(yours).images
    path = f"/api/download/{api.shop.token(mine)}/{image_id}"
    assert_problem(api.http.get(f"{path}/original"), 404, "link-unknown")
    assert_problem(api.http.get(f"{path}?size=screen"), 404, "link-unknown")


def test_a_preview_is_made_once_for_all_who_wait_for_it() -> None:
    made: list[str] = []
    finish = Event()

    def render() -> bytes:
        made.append("once")
        finish.wait(10)
        return b"small"

    async def ask() -> list[bytes]:
        cache = PreviewCache()
        waiting = [asyncio.create_task(cache.get("a", render)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting.pop().cancel()
        finish.set()
        shown = await asyncio.gather(*waiting)
        return [*shown, await cache.get("a", render)]

    assert asyncio.run(ask()) == [b"small"] * 3
    assert made == ["once"]


def test_too_many_waiting_previews_are_refused_and_a_failed_one_is_tried_again() -> None:
    finish = Event()

    def fail() -> bytes:
        finish.wait(10)
        raise UnavailableError("The storage", "is away")

    async def ask() -> bytes:
        cache = PreviewCache(max_waiting=1)
        waiting = asyncio.create_task(cache.get("a", fail))
        await asyncio.sleep(0)
        with pytest.raises(UnavailableError, match="too many"):
            await cache.get("b", fail)
        finish.set()
        with pytest.raises(UnavailableError, match="is away"):
            await waiting
        return await cache.get("a", lambda: b"small")

    assert asyncio.run(ask()) == b"small"


def test_the_least_used_previews_leave_a_full_cache() -> None:
    made: list[str] = []

    def render(key: str) -> bytes:
        made.append(key)
        return bytes(9)

    async def ask() -> None:
        cache = PreviewCache(max_bytes=20)
        for key in ("a", "b", "a", "c", "a", "b"):
            await cache.get(key, partial(render, key))

    asyncio.run(ask())
    assert made == ["a", "b", "c", "b"]
