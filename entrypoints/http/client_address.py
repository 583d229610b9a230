"""The client of a request as a key for rate limits.

Uvicorn replaces the address of a trusted proxy (TRUSTED_PROXIES) by the one that the proxy forwards, and ignores the
forwarding headers of others.
"""

from ipaddress import IPv6Address, ip_address

from entrypoints.http.request_bodies import AnyRequest

#: One customer's IPv6 network: a client that has one address of it has all 2^64. Source: RFC 6177.
IPV6_PREFIX_BITS = 64


def client_key(request: AnyRequest) -> str:
    """The client's IPv4 address or IPv6 /64 network; ``unknown`` without an address."""
    if request.client is None:
        return "unknown"
    try:
        address = ip_address(request.client.host)
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(IPv6Address(int(address) >> IPV6_PREFIX_BITS << IPV6_PREFIX_BITS)) + f"/{IPV6_PREFIX_BITS}"
    return str(address)
