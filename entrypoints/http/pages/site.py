"""What all pages share: the shop, and the language of a visit."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http.cookies import SimpleCookie
from typing import Self
from urllib.parse import urlsplit

from litestar.datastructures import State

from entrypoints.bootstrap.wording import (
    Catalog,
    Localization,
    localization_for_browser,
    own_catalogs,
)
from entrypoints.http.pages.assets import FOLDER, Assets, contents_of
from entrypoints.http.pages.brand import Brand, read_brand
from entrypoints.http.request_bodies import AnyRequest
from entrypoints.settings import Settings

#: The cookie that keeps a language chosen in the footer or by a link in an e-mail, and the query parameter.
LANGUAGE_COOKIE, LANGUAGE_PARAMETER = "language", "lang"

_YEAR_SECONDS = 365 * 24 * 3600

#: Stripe's own host of payment pages.
STRIPE_CHECKOUT = "https://checkout.stripe.com"


@dataclass(frozen=True, kw_only=True)
class Site:
    """The shop as its pages show it.

    ``root`` is the path of its address, empty without one: every address on a page begins with it.
    """

    shop_name: str = "RestoreClick"
    public_url: str = ""
    contact_address: str | None = None
    checkout_origins: tuple[str, ...] = (STRIPE_CHECKOUT,)
    sandbox_mailbox_url: str | None = None
    brand: Brand = field(default_factory=Brand)
    assets: Assets = field(default_factory=lambda: assets_with(Brand()))
    languages: Mapping[str, Catalog] = field(default_factory=own_catalogs)

    @property
    def root(self) -> str:
        """The path of the shop's address."""
        return urlsplit(self.public_url).path.rstrip("/")

    def address(self, path: str) -> str:
        """The address of a path, from the root of the host."""
        return f"{self.root}{path}"

    def cookie(self, name: str, value: str, seconds: int, path: str = "") -> str:
        """The header that keeps a cookie, out of scripts' reach."""
        cookie: SimpleCookie = SimpleCookie({name: value})
        morsel = cookie[name]
        morsel["path"] = f"{self.root}{path}" or "/"
        morsel["max-age"] = seconds
        morsel["samesite"] = "Lax"
        morsel["httponly"] = True
        morsel["secure"] = self.public_url.startswith("https:")
        return morsel.OutputString()

    def asset(self, name: str) -> str:
        """The address of a static file."""
        return self.address(self.assets.path(name))

    @classmethod
    def of(cls, state: State) -> Self:
        """The site of an application."""
        site: Self = state["site"]
        return site


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A visitor's view of the site: its shop in their language.

    ``can_switch`` if the page can be requested again in another language, ``chosen`` if this request chose one.
    """

    site: Site
    localization: Localization
    can_switch: bool = True
    chosen: str | None = None

    def in_english(self) -> Self:
        """The visit for a page that exists in English alone."""
        return replace(self, localization=localization_for_browser("en", self.site.languages))

    @property
    def cookie(self) -> str | None:
        """The header that keeps the chosen language."""
        if self.chosen is None:
            return None
        return self.site.cookie(LANGUAGE_COOKIE, self.chosen, _YEAR_SECONDS)


def site_from(settings: Settings) -> Site:
    """The site that the settings describe; raises BrandError."""
    brand = read_brand(settings.brand_directory)
    return Site(
        shop_name=settings.shop_name or settings.sender_name,
        public_url=settings.public_url,
        contact_address=settings.sender_address,
        checkout_origins=settings.stripe_checkout_origins,
        sandbox_mailbox_url=settings.sandbox_mailbox_url,
        brand=brand,
        assets=assets_with(brand),
    )


def assets_with(brand: Brand) -> Assets:
    """The shop's static files with those of its brand."""
    return Assets({**dict(contents_of(FOLDER)), **brand.files})


def visit_of(request: AnyRequest) -> Visit:
    """The visit that a request belongs to.

    The language is that of ``?lang=``, of the cookie, or the browser's preferred one, whichever is known first.
    """
    site, preferred = Site.of(request.app.state), request.headers.get("accept-language", "")
    known = {catalog.tag for catalog in site.languages.values()}
    asked = request.query_params.get(LANGUAGE_PARAMETER)
    chosen = asked if asked in known else None
    kept = chosen or request.cookies.get(LANGUAGE_COOKIE)
    browser = localization_for_browser(preferred, site.languages)
    localization = browser
    if kept in known and browser.phrases.tag != kept:
        localization = localization_for_browser(str(kept), site.languages)
    return Visit(
        site=site,
        localization=localization,
        can_switch=request.method in {"GET", "HEAD"},
        chosen=chosen,
    )
