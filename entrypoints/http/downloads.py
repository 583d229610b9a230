"""Chapter 9 over HTTP: the customer opens the link from the mail."""

from functools import partial
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from litestar import HttpMethod, route
from litestar.params import FromPath
from litestar.types import ASGIApp

from domain.model.values import ImageId
from entrypoints.bootstrap.shop import Shop
from entrypoints.http import pages
from entrypoints.http.bodies import AnyRequest
from entrypoints.http.diary import request_id_of
from entrypoints.http.files import FileAnswer, OpenedFile
from entrypoints.http.parameters import BulkThreads, TheShop

_READING = [HttpMethod.GET, HttpMethod.HEAD]


@route("/api/download/{token:str}", http_method=_READING, exception_handlers={Exception: pages.explain})
async def fetch_archive(
    shop: TheShop, bulk_threads: BulkThreads, request: AnyRequest, token: FromPath[str]
) -> ASGIApp:
    """Fetch the archive with every restored image."""
    return await _answer(shop, bulk_threads, request, token, None)


@route(
    "/api/download/{token:str}/{image:uuid}",
    http_method=_READING,
    exception_handlers={Exception: pages.explain},
)
async def fetch_image(
    shop: TheShop, bulk_threads: BulkThreads, request: AnyRequest, token: FromPath[str], image: FromPath[UUID]
) -> ASGIApp:
    """Fetch one restored image of the token's own order."""
    return await _answer(shop, bulk_threads, request, token, ImageId(image))


async def _answer(
    shop: Shop, bulk_threads: CapacityLimiter, request: AnyRequest, token: str, image_id: ImageId | None
) -> ASGIApp:
    """The file behind a token; a look at its headers opens nothing and is not put on record."""
    delivery = await to_thread.run_sync(shop.delivering.find, token, image_id)
    is_looking = request.method == HttpMethod.HEAD
    opened = None if is_looking else await OpenedFile.open(shop.storage, delivery.content, bulk_threads)
    when_sent = partial(shop.delivering.note_opening, delivery, request_id_of(request.scope))
    return FileAnswer(delivery.content, delivery.file_name, opened, when_sent)
