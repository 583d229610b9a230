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

from domain.order.customer_request_limits import RedoObstacle
from domain.order.image import Image
from domain.use_cases.support.customer_requests import PhotoGallery
from entrypoints.bootstrap.page_languages import Localization
from entrypoints.http.dependencies import TheShop
from entrypoints.http.pages import html_pages
from entrypoints.http.pages.expired_link_page import explain
from entrypoints.http.request_bodies import AnyRequest


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
    album = shop.customer_requests.gallery(token)
    if html_pages.is_wanted(request):
        return _page(album, html_pages.speech_for(request))
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
                why_no_redo=album.why_no_redo.get(image_id),
            )
            for image_id, image in album.order.images.items()
        ],
        redo_until=album.redo_until,
    )


def _page(album: PhotoGallery, speech: Localization) -> Response[Any]:
    """The page of an album. Every address in it is relative, so that it holds behind any proxy."""
    save_all = speech.say("photo_page.save_all", size=speech.size(album.link.archive.size_bytes))
    parts = [
        html_pages.paragraph(speech.say("photo_page.intro", until=speech.day(album.link.expires_at))),
        f'<form method="post" action="archive"><p><button>{escape(save_all)}</button></p></form>',
    ]
    if any(image_id not in album.why_no_redo for image_id in album.order.images) and album.redo_until:
        parts.append(
            html_pages.paragraph(speech.say("photo_page.redo_offer", until=speech.day(album.redo_until)))
        )
    parts.extend(
        _photo(image, number, album, speech)
        for number, image in enumerate(album.order.images.values(), start=1)
    )
    title = speech.say("photo_page.title")
    return html_pages.page(title, "\n".join(parts), speech, has_pictures=True, has_forms=True)


def _photo(image: Image, number: int, album: PhotoGallery, speech: Localization) -> str:
    """A photo under the customer's own name, which is a stranger's text."""
    name = album.file_names.get(image.image_id) or speech.say("page.photo", number=str(number))
    why = album.why_no_redo.get(image.image_id)
    heading = f"<h2><bdi>{escape(name)}</bdi></h2>"
    if image.restored is None:
        reason = speech.say("photo_page.no_result") if why is None else _obstacle(why, speech)
        return f"{heading}\n{html_pages.paragraph(speech.say('photo_page.sorry', why=reason))}"
    results = [_result(image, name, earlier, speech) for earlier in range(len(image.results))]
    return "\n".join([heading, _pixels(image, speech), *results, _redo(image, name, why, speech)])


def _pixels(image: Image, speech: Localization) -> str:
    """The sizes of the newest result and of its original, where both are on record."""
    if image.original_width is None:
        return ""
    size = {"width": str(image.width), "height": str(image.height)}
    if (image.width, image.height) == (image.original_width, image.original_height):
        told = speech.say("photo_page.pixels_same", **size)
    else:
        original = {
            "original_width": str(image.original_width),
            "original_height": str(image.original_height),
        }
        told = speech.say("photo_page.pixels", **size, **original)
    return f"<p><small>{escape(told)}</small></p>"


def _result(image: Image, name: str, earlier: int, speech: Localization) -> str:
    """A result to look at, which any client loads by itself, and the button that only the customer presses."""
    address = f"{image.image_id}{f'?earlier={earlier}' if earlier else ''}"
    size = f' width="{image.width}" height="{image.height}"' if image.width and not earlier else ""
    alt = escape(speech.say("photo_page.alt", name=name))
    label = escape(speech.say("photo_page.save_named", name=name))
    button = f'<button aria-label="{label}">{escape(speech.say("photo_page.save"))}</button>'
    shown = (
        f'<img src="{address}" alt="{alt}"{size} loading="lazy">'
        f'<form method="post" action="{address}"><p>{button}</p></form>'
    )
    if not earlier:
        return shown
    return f"<details><summary>{escape(speech.say('photo_page.earlier'))}</summary>{shown}</details>"


def _redo(image: Image, name: str, why: RedoObstacle | None, speech: Localization) -> str:
    """The button; one that does nothing says why."""
    if image.is_being_redone:
        return html_pages.paragraph(speech.say("photo_page.redo_running"))
    label = escape(speech.say("photo_page.redo_named", name=name))
    button = f'<button class="second" aria-label="{label}"'
    words = escape(speech.say("photo_page.redo"))
    if why is None:
        return f'<form method="post" action="{image.image_id}/redo"><p>{button}>{words}</button></p></form>'
    reason = escape(speech.say("photo_page.redo_not_possible", why=_obstacle(why, speech)))
    return f"<p>{button} disabled>{words}</button><br><small>{reason}</small></p>"


def _obstacle(why: RedoObstacle, speech: Localization) -> str:
    return speech.say(f"no_redo.{why.name.lower()}")
