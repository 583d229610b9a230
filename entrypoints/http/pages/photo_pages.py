"""The page behind a download link, where photos are saved or redone.

It is safe to load for any client, a mail scanner included: only its buttons do anything.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.params import FromPath

from domain.use_cases.delivery.shared_links import SharedLinks
from domain.use_cases.queries import PhotoGalleries, PhotoGallery
from domain.use_cases.shop_policy import ShopPolicy
from entrypoints.bootstrap.wording import redo_obstacle_text
from entrypoints.http.dependencies import Given
from entrypoints.http.get_routes import get
from entrypoints.http.openapi.contracts import downloads as contracts
from entrypoints.http.pages import html_pages
from entrypoints.http.pages.expired_link_page import explain
from entrypoints.http.pages.site import Visit, visit_of
from entrypoints.http.request_bodies import AnyRequest


@dataclass(frozen=True, kw_only=True)
class AlbumPhotoView:
    """A photo and its results.

    The newest result is at ``/{image_id}``, the ones before it at ``?earlier=1`` and so on.
    """

    image_id: UUID
    file_name: str | None
    results: int
    width: int | None  # pixels of the newest result
    height: int | None
    original_width: (
        int | None
    )  # pixels of the photo that was sent; none for results from before it was recorded
    original_height: int | None
    is_being_redone: bool
    redo_is_possible: bool
    why_no_redo: str | None


@dataclass(frozen=True, kw_only=True)
class AlbumView:
    """The photos behind a link, each with one redo until ``redo_until``."""

    photos: list[AlbumPhotoView]
    redo_until: datetime | None


@get(
    "/api/download/{token:str}/photos",
    sync_to_thread=True,
    exception_handlers={Exception: explain},
    **contracts.SHOW_ALBUM,
)
def show_album(
    photo_galleries: Given[PhotoGalleries],
    shared_links: Given[SharedLinks],
    policy: Given[ShopPolicy],
    request: AnyRequest,
    token: FromPath[str],
) -> Response[AlbumView]:
    """Show the photos behind a link, and which can be redone."""
    album = photo_galleries.open(token)
    if html_pages.is_html_preferred(request):
        shared = None if album.link.is_shared else shared_links.token_of(album.order)
        shared_url = policy.urls.photos.replace("{token}", shared) if shared else None
        return _page(album, shared_url, visit_of(request))
    headers = {"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer", "Vary": "Accept"}
    return Response(_view(album), headers=headers)


def _view(album: PhotoGallery) -> AlbumView:
    return AlbumView(
        photos=[
            AlbumPhotoView(
                image_id=image_id,
                file_name=album.file_names.get(image_id),
                results=len(image.results),
                width=image.width,
                height=image.height,
                original_width=image.original_width,
                original_height=image.original_height,
                is_being_redone=image.is_being_redone,
                redo_is_possible=image_id not in album.why_no_redo,
                why_no_redo=redo_obstacle_text(why) if (why := album.why_no_redo.get(image_id)) else None,
            )
            for image_id, image in album.order.images.items()
        ],
        redo_until=album.redo_until,
    )


def _page(album: PhotoGallery, shared_url: str | None, visit: Visit) -> Response[Any]:
    obstacles = {image_id: f"no_redo.{why}" for image_id, why in album.why_no_redo.items()}
    may_redo = any(image_id not in obstacles for image_id in album.order.images)
    say = visit.localization.say
    return html_pages.page(
        "photos",
        visit,
        texts=html_pages.script_texts(visit, "gallery_script"),
        link=album.link,
        archive=(album.order.newest_link or album.link).archive,
        shared_url=shared_url,
        redo_until=album.redo_until if may_redo else None,
        photos=[
            {
                "image": image,
                "name": album.file_names.get(image_id) or say("page.photo", number=str(number)),
                "obstacle": obstacles.get(image_id),
            }
            for number, (image_id, image) in enumerate(album.order.images.items(), 1)
        ],
    )
