"""The page behind the link in a mail: each photo to look at, to save, and to have tried once more.

It is safe to load for any client, a mail scanner included: only its buttons do anything.
"""

from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from domain.model.image import Image
from domain.model.wishes import RedoObstacle
from domain.services.asking import Album
from entrypoints.http import pages
from entrypoints.http.bodies import AnyRequest
from entrypoints.http.dead_links import explain
from entrypoints.http.parameters import TheShop
from entrypoints.http.photo_page_texts import PhotoPageTexts, texts_for


@dataclass(frozen=True, kw_only=True)
class AlbumPhotoView:
    """A photo and its results; the newest one is at ``/{image_id}``, those before it at ``?earlier=1`` and so on."""

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
    """The photos behind a link; until ``redo_until`` each can be tried once more, once."""

    photos: list[AlbumPhotoView]
    redo_until: datetime | None


@get("/api/download/{token:str}/photos", sync_to_thread=True, exception_handlers={Exception: explain})
def show_album(shop: TheShop, request: AnyRequest, token: FromPath[str]) -> Response[AlbumView]:
    """Show the photos behind a link, and which of them can be tried once more."""
    album = shop.asking.album(token)
    if pages.is_wanted(request):
        return _page(album, texts_for(request.headers.get("accept-language", "")))
    headers = {"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer", "Vary": "Accept"}
    return Response(_view(album), headers=headers)


def _view(album: Album) -> AlbumView:
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
                why_no_redo=album.why_no_redo.get(image_id),
            )
            for image_id, image in album.order.images.items()
        ],
        redo_until=album.redo_until,
    )


def _page(album: Album, texts: PhotoPageTexts) -> Response[Any]:
    """The page of an album. Every address in it is relative, so that it holds behind any proxy."""
    save_all = texts.save_all.format(size=texts.size(album.link.archive.size_bytes))
    parts = [
        f"<p>{texts.intro.format(until=texts.day(album.link.expires_at))}</p>",
        f'<form method="post" action="archive"><p><button>{escape(save_all)}</button></p></form>',
    ]
    if any(image_id not in album.why_no_redo for image_id in album.order.images) and album.redo_until:
        parts.append(f"<p>{texts.redo_offer.format(until=texts.day(album.redo_until))}</p>")
    parts.extend(
        _photo(image, number, album, texts)
        for number, image in enumerate(album.order.images.values(), start=1)
    )
    shown = pages.page(
        texts.title, "\n".join(parts), language=texts.language, has_pictures=True, has_forms=True
    )
    shown.headers["Vary"] = "Accept, Accept-Language"
    return shown


def _photo(image: Image, number: int, album: Album, texts: PhotoPageTexts) -> str:
    """A photo under the customer's own name, which is a stranger's text."""
    name = escape(album.file_names.get(image.image_id) or texts.photo.format(number=number))
    why = album.why_no_redo.get(image.image_id)
    heading = f"<h2><bdi>{name}</bdi></h2>"
    if image.restored is None:
        return f"{heading}\n<p>{texts.sorry.format(why=texts.obstacles[why] if why else texts.nothing)}</p>"
    results = [_result(image, name, earlier, texts) for earlier in range(len(image.results))]
    return "\n".join([heading, _pixels(image, texts), *results, _redo(image, name, why, texts)])


def _pixels(image: Image, texts: PhotoPageTexts) -> str:
    """The sizes of the newest result and of its original, where both are on record."""
    if image.original_width is None:
        return ""
    told = texts.pixels.format(
        width=image.width,
        height=image.height,
        original_width=image.original_width,
        original_height=image.original_height,
    )
    return f"<p><small>{told}</small></p>"


def _result(image: Image, name: str, earlier: int, texts: PhotoPageTexts) -> str:
    """A result to look at, which any client loads by itself, and the button that only the customer presses."""
    address = f"{image.image_id}{f'?earlier={earlier}' if earlier else ''}"
    size = f' width="{image.width}" height="{image.height}"' if image.width and not earlier else ""
    alt, label = _filled(texts.restored_alt, name), _filled(texts.save_named, name)
    shown = (
        f'<img src="{address}" alt="{alt}"{size} loading="lazy">'
        f'<form method="post" action="{address}"><p><button aria-label="{label}">{texts.save}</button></p></form>'
    )
    return f"<details><summary>{texts.earlier}</summary>{shown}</details>" if earlier else shown


def _redo(image: Image, name: str, why: RedoObstacle | None, texts: PhotoPageTexts) -> str:
    """The button; one that does nothing says why."""
    if image.is_being_redone:
        return f"<p>{texts.redo_running}</p>"
    button = f'<button class="second" aria-label="{_filled(texts.redo_named, name)}"'
    if why is None:
        return (
            f'<form method="post" action="{image.image_id}/redo"><p>{button}>{texts.redo}</button></p></form>'
        )
    reason = texts.redo_not_possible.format(why=texts.obstacles[why])
    return f"<p>{button} disabled>{texts.redo}</button><br><small>{reason}</small></p>"


def _filled(text: str, name: str) -> str:
    """A text with a name in it, which may hold braces of its own."""
    return text.replace("{name}", name)
