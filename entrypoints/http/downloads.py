"""Chapter 9 over HTTP: the customer opens the link from the mail."""

from functools import partial
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from litestar import HttpMethod, route
from litestar.params import FromPath, FromQuery
from litestar.types import ASGIApp

from domain.model.values import ImageId
from domain.services.delivering import Delivery
from entrypoints.bootstrap.shop import Shop
from entrypoints.http.bodies import AnyRequest
from entrypoints.http.dead_links import explain
from entrypoints.http.diary import request_id_of
from entrypoints.http.files import FileAnswer, OpenedFile
from entrypoints.http.parameters import DownloadThreads, TheShop

_READING = [HttpMethod.GET, HttpMethod.HEAD]


@route("/api/download/{token:str}", http_method=_READING, exception_handlers={Exception: explain})
async def fetch_archive(
    shop: TheShop, download_threads: DownloadThreads, request: AnyRequest, token: FromPath[str]
) -> ASGIApp:
    """Fetch the archive with every restored image."""
    delivery = await to_thread.run_sync(shop.delivering.find, token)
    return await _answer(shop, download_threads, request, delivery)


@route(
    "/api/download/{token:str}/{image:uuid}",
    http_method=_READING,
    exception_handlers={Exception: explain},
)
async def fetch_image(
    shop: TheShop,
    download_threads: DownloadThreads,
    request: AnyRequest,
    token: FromPath[str],
    image: FromPath[UUID],
    earlier: FromQuery[int] = 0,
) -> ASGIApp:
    """Fetch one restored image of the token's own order: its newest result, or one that was there so many before."""
    delivery = await to_thread.run_sync(partial(shop.delivering.find, token, ImageId(image), earlier=earlier))
    return await _answer(shop, download_threads, request, delivery)


async def _answer(
    shop: Shop, download_threads: CapacityLimiter, request: AnyRequest, delivery: Delivery
) -> ASGIApp:
    """The file behind a token; a look at its headers opens nothing and is not put on record."""
    is_looking = request.method == HttpMethod.HEAD
    opened = None if is_looking else await OpenedFile.open(shop.storage, delivery.content, download_threads)
    when_sent = partial(shop.delivering.note_opening, delivery, request_id_of(request.scope))
    return FileAnswer(delivery.content, delivery.file_name, opened, when_sent)
