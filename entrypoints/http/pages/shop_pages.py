"""The shop's own pages and files: home, legal pages, assets and icons."""

import html
import re
from functools import partial
from typing import Any

from litestar import Response
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from domain.order.values import Money
from domain.use_cases.shop_policy import MEBIBYTE, ShopPolicy
from entrypoints.http.dependencies import Given
from entrypoints.http.get_routes import get
from entrypoints.http.pages import html_pages
from entrypoints.http.pages.assets import Asset
from entrypoints.http.pages.brand import LEGAL_PAGES, html_of
from entrypoints.http.pages.site import Site, Visit, visit_of
from entrypoints.http.request_bodies import AnyRequest

#: A plain heading that a text begins with.
_FIRST_HEADING = re.compile(r"\s*<h([12])[^>]*>([^<]+)</h\1>\s*")
#: The language of legal texts for visitors whose language has none, if the owner wrote one in it.
_FALLBACK = "en"

#: How long browsers keep chosen photos that are not uploaded; the pages' scripts remove older ones.
KEPT_DAYS = 7

_FOREVER = "public, max-age=31536000, immutable"
_A_DAY = "public, max-age=86400"

#: A picture or style sheet opened by itself must not run anything, even one of a brand folder.
_ASSET_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

_page = partial(get, include_in_schema=False, sync_to_thread=False)

#: What a program learns of the shop.
_ENTRY_POINTS = {
    "name": "RestoreClick",
    "documentation": "/schema/openapi.json",
    "reference": "/reference",
    "health": "/health/ready",
}


@_page("/")
def show_home(policy: Given[ShopPolicy], request: AnyRequest) -> Response[Any]:
    """Show the shop to a browser, the entry points to a program."""
    if not html_pages.is_html_preferred(request):
        return Response(_ENTRY_POINTS, headers={"Vary": "Accept"})
    return home_page(visit_of(request), policy)


def home_page(visit: Visit, policy: ShopPolicy, problem: str | None = None) -> Response[Any]:
    """What the shop does; ``problem`` is the phrase of a refused form."""
    currency = policy.prices.currency
    steps = policy.prices.steps
    return html_pages.page(
        "home",
        visit,
        is_public=True,
        status=422 if problem else 200,
        has_payment=True,  # its script shows the upload page in its place
        texts=html_pages.script_texts(visit, "upload_script"),
        problem=problem,
        prices=[
            {
                "from_count": count,
                "to_count": steps[number + 1][0] - 1 if number + 1 < len(steps) else None,
                "each": Money(amount=amount, currency=currency),
            }
            for number, (count, amount) in enumerate(steps)
        ],
        max_photos=policy.uploads.max_photos,
        max_photo_mebibytes=policy.uploads.max_photo_bytes // MEBIBYTE,
        photo_days=policy.retention.photos.days,
        redo_days=policy.delivery.redo_within.days,
    )


@_page([f"/{name}" for name in LEGAL_PAGES])
def show_legal_page(policy: Given[ShopPolicy], request: AnyRequest) -> Response[Any]:
    """Show the imprint, the privacy page or the contact page."""
    name, visit = request.url.path.rpartition("/")[2], visit_of(request)
    own = _brand_text(visit, name)
    language, text = own or (visit.localization.phrases.tag, html_of(_default_text(visit, name, policy)))
    title, text = _titled(visit, name, language, text)
    return html_pages.page("legal", visit, is_public=True, title=title, text=text, text_language=language)


@_page("/assets/{revision:str}/{name:path}")
def send_asset(request: AnyRequest, revision: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """Send a static file.

    An address of another revision, as during an upgrade, gets this process's file, which no cache keeps.
    """
    assets = Site.of(request.app.state).assets
    asset = assets.find(name.removeprefix("/"))
    if asset is None:
        raise NotFoundException
    return _file(request, asset, _FOREVER if revision == assets.revision else "no-cache")


@_page("/robots.txt")
def send_robots(request: AnyRequest) -> Response[bytes]:
    """Send the rules for search engines: orders are not theirs to read."""
    return _root_file(request, "robots.txt")


@_page("/favicon.ico")
def send_icon(request: AnyRequest) -> Response[bytes]:
    """Send the icon to browsers that ignore the page's link to it."""
    return _root_file(request, "favicon.ico")


def _root_file(request: AnyRequest, name: str) -> Response[bytes]:
    asset = Site.of(request.app.state).assets.find(name)
    if asset is None:
        raise NotFoundException
    return _file(request, asset, _A_DAY)


def _file(request: AnyRequest, asset: Asset, caching: str) -> Response[bytes]:
    headers = {"Cache-Control": caching, "Content-Security-Policy": _ASSET_POLICY}
    content = asset.content
    if asset.compressed is not None:
        headers["Vary"] = "Accept-Encoding"
        if "gzip" in request.headers.get("accept-encoding", ""):
            content, headers["Content-Encoding"] = asset.compressed, "gzip"
    return Response(content, media_type=asset.media_type, headers=headers)


def _brand_text(visit: Visit, name: str) -> tuple[str, str] | None:
    """Language and HTML of the owner's page, if there is one."""
    texts = {
        language: text
        for (page, _, language), text in (
            (key.partition("."), text) for key, text in sorted(visit.site.brand.texts.items())
        )
        if page == name
    }
    preferred = (visit.localization.phrases.tag, _FALLBACK, *texts)
    return next(((language, texts[language]) for language in preferred if language in texts), None)


def _titled(visit: Visit, name: str, language: str, text: str) -> tuple[str, str]:
    """The page's title, and the text without a heading like it.

    A heading that begins with the title replaces it: "Datenschutzerklärung".
    """
    title, heading = visit.localization.say(f"site.{name}"), _FIRST_HEADING.match(text)
    if heading is None:
        return title, text
    rest, own = text[heading.end() :], html.unescape(heading[2]).strip()
    if language == visit.localization.phrases.tag and own.casefold().startswith(title.casefold()):
        return own, rest
    names = {catalog.say(f"site.{name}").casefold() for catalog in visit.site.languages.values()}
    return title, rest if own.casefold() in names else text


def _default_text(visit: Visit, name: str, policy: ShopPolicy) -> str:
    site = visit.site
    return visit.localization.say(
        f"legal.{name}",
        shop=site.shop_name,
        address=site.contact_address or "",
        photo_days=str(policy.retention.photos.days),
        upload_days=str(policy.retention.uploads.days),
        kept_days=str(KEPT_DAYS),
    )
