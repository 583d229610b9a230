"""The photos behind a link, each to look at, and to have tried once more if it is not quite right."""

from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from domain.model.image import Image
from domain.services.asking import Album
from entrypoints.http import pages
from entrypoints.http.bodies import AnyRequest
from entrypoints.http.dead_links import explain
from entrypoints.http.parameters import TheShop


@dataclass(frozen=True, kw_only=True)
class AlbumPhotoView:
    """A photo and its results; the newest one is at ``/{image_id}``, those before it at ``?earlier=1`` and so on."""

    image_id: UUID
    file_name: str | None
    results: int
    is_being_redone: bool
    redo_is_possible: bool
    why_no_redo: str | None


@dataclass(frozen=True, kw_only=True)
class AlbumView:
    """The photos behind a link; until ``redo_until`` each can be tried once more, once."""

    photos: list[AlbumPhotoView]
    redo_until: datetime | None


@get("/api/download/{token:str}/photos", sync_to_thread=True, exception_handlers={Exception: explain})
def show_album(shop: TheShop, request: AnyRequest, token: FromPath[str]) -> Response[AlbumView]:
    """Show the photos behind a link, and which of them can be tried once more."""
    album = shop.asking.album(token)
    if pages.is_wanted(request):
        return _page(album, token)
    headers = {"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer", "Vary": "Accept"}
    return Response(_view(album), headers=headers)


def _view(album: Album) -> AlbumView:
    return AlbumView(
        photos=[
            AlbumPhotoView(
                image_id=image_id,
                file_name=album.file_names.get(image_id),
                results=len(image.results),
                is_being_redone=image.is_being_redone,
                redo_is_possible=image_id not in album.why_no_redo,
                why_no_redo=album.why_no_redo.get(image_id),
            )
            for image_id, image in album.order.images.items()
        ],
        redo_until=album.redo_until,
    )


def _page(album: Album, token: str) -> Response[Any]:
    """The page of an album. Every address in it is relative, so that it holds behind any proxy."""
    parts = [
        f'<p>Choose a photo to save it, or <a href="../{escape(token)}">save all of them at once</a>.</p>'
    ]
    if any(image_id not in album.why_no_redo for image_id in album.order.images) and album.redo_until:
        until = f"{album.redo_until.day} {album.redo_until:%B %Y}"
        parts.append(
            "<p>Is one not quite right? Until "
            f"{until} you can have each photo tried once more. It is then restored in another way, and the result "
            "you see now is kept beside the new one.</p>"
        )
    parts.extend(
        _photo(image, number, album) for number, image in enumerate(album.order.images.values(), start=1)
    )
    return pages.page("Your restored photos", "\n".join(parts), has_pictures=True, has_forms=True)


def _photo(image: Image, number: int, album: Album) -> str:
    """A photo under the customer's own name, which is a stranger's text."""
    name = escape(album.file_names.get(image.image_id) or f"Photo {number}")
    why = album.why_no_redo.get(image.image_id)
    heading = f"<h2><bdi>{name}</bdi></h2>"
    if image.restored is None:
        return f"{heading}\n<p>Sorry: {escape(why or 'there is no result of it')}.</p>"
    pictures = [_picture(image, name, earlier) for earlier in range(len(image.results))]
    return "\n".join([heading, *pictures, _redo(image, name, why)])


def _picture(image: Image, name: str, earlier: int) -> str:
    address = f"{image.image_id}{f'?earlier={earlier}' if earlier else ''}"
    size = f' width="{image.width}" height="{image.height}"' if image.width and not earlier else ""
    shown = (
        f'<a href="{address}" download><img src="{address}" alt="{name}, restored"{size} loading="lazy"></a>'
    )
    if not earlier:
        return shown
    return f"<details><summary>The result before this one</summary>{shown}</details>"


def _redo(image: Image, name: str, why: str | None) -> str:
    """The button; one that does nothing says why."""
    if image.is_being_redone:
        return (
            "<p>We are trying this photo once more, and write to you as soon as we know what came of it.</p>"
        )
    button = f'<button aria-label="Not quite right: try {name} once more"'
    if why is None:
        return (
            f'<form method="post" action="{image.image_id}/redo">'
            f"<p>{button}>Not quite right: try once more</button></p></form>"
        )
    return (
        f"<p>{button} disabled>Not quite right: try once more</button><br>"
        f"<small>Not possible: {escape(why)}.</small></p>"
    )
