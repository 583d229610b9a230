"""Types of settings: how each is parsed, validated and refused."""

import base64
import json
from datetime import UTC, tzinfo
from ipaddress import ip_address, ip_network
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pydantic import (
    AfterValidator,
    AnyHttpUrl,
    BeforeValidator,
    Field,
    SecretStr,
    TypeAdapter,
    UrlConstraints,
    ValidationError,
)
from pydantic_core import Url
from pydantic_settings import NoDecode

from domain.pricing import PriceList
from entrypoints.database_setting import checked_database_url

YEAR_SECONDS = 366 * 24 * 3600
CENTURY_DAYS = 36_525
BILLION = 1_000_000_000
#: ISO 4217's code for no currency, with which price steps are validated while the currency is unknown.
NO_CURRENCY = "XXX"

_ADDRESS = TypeAdapter(AnyHttpUrl)


def _address(text: str) -> str:
    return str(_checked_address(text)).rstrip("/")


def _checked_address(text: str) -> AnyHttpUrl:
    try:
        return _ADDRESS.validate_python(text)
    except ValidationError:
        raise ValueError("write an address with http:// or https://, as in https://photos.example") from None


def _landing_page(text: str) -> str:
    """Accept a URL that may contain ``{upload_session}``; return it unchanged."""
    _checked_address(text.replace("{upload_session}", "upload-session"))
    return text


def _parts(text: object) -> object:
    return tuple(part.strip() for part in text.split(",") if part.strip()) if isinstance(text, str) else text


def _steps(text: object) -> object:
    """Parse ``1:490,10:390`` as (minimum number of photos, minor units each)."""
    if not isinstance(text, str):
        return text
    try:
        pairs = (part.split(":") for part in text.split(","))
        steps = tuple((int(count), int(amount)) for count, amount in pairs)
    except ValueError:
        raise ValueError("write COUNT:MINOR_UNITS, with commas between, as in 1:490,10:390") from None
    return PriceList(currency=NO_CURRENCY, steps=steps).steps


def _inputs(text: object) -> object:
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        raise ValueError('write a JSON object, as in {"output_format": "png"}') from None


def _signing_key(secret: SecretStr) -> SecretStr:
    """Accept a Standard Webhooks symmetric key: base64 after ``whsec_``."""
    try:
        base64.b64decode(secret.get_secret_value().removeprefix("whsec_"), validate=True)
    except ValueError:
        raise ValueError("it is not base64 after whsec_: copy it whole") from None
    return secret


def _public_key(text: str) -> str:
    """Accept an elliptic-curve public key: its DER in base64.

    SendGrid's mail settings show it in this form.
    """
    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except ValueError:
        key = None
    if not isinstance(key, EllipticCurvePublicKey):
        raise ValueError("it is no such key: copy it whole")  # noqa: TRY004 -- pydantic reports a ValueError
    return text


def _network(text: str) -> str:
    """Accept an IP address or network, as uvicorn does."""
    try:
        ip_network(text)
    except ValueError:
        raise ValueError("write an address or a network, as in 10.0.0.7 or 172.16.0.0/12") from None
    return text


def _origin(text: str) -> str:
    """Accept a web origin: a scheme, a host and perhaps a port."""
    url = urlsplit(text)
    if url.scheme not in {"http", "https"} or not url.hostname or text != f"{url.scheme}://{url.netloc}":
        raise ValueError(
            "write a scheme and a host, as in https://photos.example, without a slash at the end"
        )
    return text


def _time_zone(name: str) -> str:
    """Accept a time zone that this machine knows."""
    try:
        time_zone_of(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(
            "this machine knows no such time zone: write UTC, or a name as in Europe/Berlin"
        ) from None
    return name


def time_zone_of(name: str) -> tzinfo:
    """The time zone of a name; UTC needs no database."""
    return UTC if name == "UTC" else ZoneInfo(name)


def _server(text: str) -> str:
    """Accept an IP address, perhaps with a port, as ``ADDRESS:PORT``."""
    url = urlsplit(f"//{text}")
    try:
        ip_address(url.hostname or "")
        _ = url.port
    except ValueError:
        raise ValueError(
            "write an IP address, perhaps with a port, as in 192.0.2.53 or 127.0.0.1:5353"
        ) from None
    return text


DatabaseUrl = Annotated[str, AfterValidator(checked_database_url)]
Address = Annotated[str, AfterValidator(_address)]
RedisUrl = Annotated[Url, UrlConstraints(allowed_schemes=["redis", "rediss", "unix"])]
Secret = Annotated[SecretStr, Field(min_length=8)]
SigningKey = Annotated[Secret, AfterValidator(_signing_key)]
PublicKey = Annotated[str, AfterValidator(_public_key)]
Secrets = Annotated[tuple[Secret, ...], NoDecode, BeforeValidator(_parts), Field(min_length=1, max_length=2)]
LongSecret = Annotated[SecretStr, Field(min_length=32)]
#: The first signs, all verify: more than a few mean that the older ones were never removed.
LinkKeys = Annotated[
    tuple[LongSecret, ...], NoDecode, BeforeValidator(_parts), Field(min_length=1, max_length=5)
]
Hosts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parts), Field(min_length=1)]
Proxies = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], NoDecode, BeforeValidator(_parts)]
Origins = Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_parts)]
Steps = Annotated[tuple[tuple[int, int], ...], NoDecode, BeforeValidator(_steps)]
Inputs = Annotated[dict[str, str | int | float | bool], NoDecode, BeforeValidator(_inputs)]
Costs = Annotated[
    dict[str, Annotated[float, Field(ge=0, le=1000)]],
    NoDecode,
    BeforeValidator(_inputs),
    Field(max_length=20),
]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
ServerAddress = Annotated[str, AfterValidator(_server)]
LandingPage = Annotated[str, AfterValidator(_landing_page)]
#: A number beyond these limits is a typing error, and would overflow in computations.
Seconds = Annotated[float, Field(gt=0, le=YEAR_SECONDS)]
SecondsOrNone = Annotated[float, Field(ge=0, le=YEAR_SECONDS)]
Hours = Annotated[float, Field(ge=0, le=YEAR_SECONDS / 3600)]
Days = Annotated[int, Field(ge=1, le=CENTURY_DAYS)]
DaysOrNone = Annotated[int, Field(ge=0, le=CENTURY_DAYS)]
Count = Annotated[int, Field(ge=1, le=BILLION)]
CountOrNone = Annotated[int, Field(ge=0, le=BILLION)]
Model = Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+(:\w+)?$")]
