"""Network and kind of a client, as coarse as events may record."""

import re
from ipaddress import IPv4Address, ip_address, ip_network

from domain.order.values import Browser, Client, Device
from entrypoints.http.request_bodies import AnyRequest

#: Prefixes that identify an access provider's area, not a household.
IPV4_PREFIX_BITS, IPV6_PREFIX_BITS = 24, 48

#: Characters of a user agent that are examined; the limit bounds the cost of untrusted input.
LONGEST_USER_AGENT = 512

#: Words by which mail scanners, link previews and headless browsers identify themselves. Many do not, so the result is
#: recorded as evidence and no decision depends on it.
_SCANNER = re.compile(
    r"bot\b|crawl|spider|scan|preview|headless|imageproxy|mailproxy|externalhit|safelinks|urldefense|proofpoint|"
    r"barracuda|mimecast|phantomjs|puppeteer|playwright|slackbot|whatsapp|telegram|skypeuri",
    re.IGNORECASE,
)
#: The first match counts: many browsers also name those that they descend from.
_BROWSERS = (
    (re.compile(r"Edg(e|A|iOS)?/"), Browser.EDGE),
    (re.compile(r"OPR/|Opera"), Browser.OPERA),
    (re.compile(r"SamsungBrowser/"), Browser.SAMSUNG),
    (re.compile(r"Firefox/|FxiOS/"), Browser.FIREFOX),
    (re.compile(r"Chrome/|CriOS/|Chromium/"), Browser.CHROME),
    (re.compile(r"Version/\S+ .*Safari/"), Browser.SAFARI),
)
_DEVICES = (
    (re.compile(r"iPad|Tablet|Silk/|Android(?!.*Mobile)"), Device.TABLET),
    (re.compile(r"iPhone|iPod|Mobi"), Device.PHONE),
    (re.compile(r"Windows NT|Macintosh|X11|CrOS"), Device.DESKTOP),
)


def client_of(request: AnyRequest) -> Client:
    """The network, device and browser of a request."""
    user_agent = request.headers.get("user-agent", "")[:LONGEST_USER_AGENT]
    device = device_of(user_agent)
    address = request.client.host if request.client is not None else None
    return Client(network=network_of(address), device=device, browser=_browser_of(user_agent, device))


def network_of(address: str | None) -> str | None:
    """The network of an address, as ``203.0.113.0/24`` or ``2001:db8::/48``.

    None for what is no IP address, for example a local socket.
    """
    try:
        ip = ip_address((address or "").partition("%")[0])
    except ValueError:
        return None
    ip = getattr(ip, "ipv4_mapped", None) or ip
    bits = IPV4_PREFIX_BITS if isinstance(ip, IPv4Address) else IPV6_PREFIX_BITS
    return str(ip_network((ip, bits), strict=False))


def device_of(user_agent: str) -> Device:
    """The kind of device that a user agent names."""
    if not user_agent.strip():
        return Device.UNKNOWN
    if _SCANNER.search(user_agent):
        return Device.SCANNER
    if not user_agent.startswith(("Mozilla/", "Opera/")):
        return Device.PROGRAM
    return next((device for pattern, device in _DEVICES if pattern.search(user_agent)), Device.UNKNOWN)


def _browser_of(user_agent: str, device: Device) -> Browser | None:
    if device in {Device.SCANNER, Device.PROGRAM}:
        return None
    return next((browser for pattern, browser in _BROWSERS if pattern.search(user_agent)), None)
