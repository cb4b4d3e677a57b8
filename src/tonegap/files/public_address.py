"""Which hosts may be asked: public ones, over http or https.

Tables of urls and redirects are untrusted. Neither may make this machine contact its own
services or its neighbours' (cloud metadata, routers, unprotected databases). So every hop's
name is resolved here, all its addresses must be public, and the connection goes to the
address that was checked. DNS rebinding, where a name resolves differently the second time,
therefore has no effect.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Collection
from typing import Final

import httpx

_SCHEMES: Final = ("http", "https")
_LAST_PORT: Final = 65535
# Prefixes that carry an IPv4 address within (RFC 6052, RFC 3056): the inner one counts too.
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_6TO4: Final = ipaddress.IPv6Network("2002::/16")


class RefusedUrlError(Exception):
    """A url that is not asked; the message completes "it was refused: ..."."""


class NoAddressError(Exception):
    """A host name without an address."""


def parse_url(text: str) -> httpx.URL:
    """Parse a url and require http or https, a host, and no credentials.

    Raises
    ------
    RefusedUrlError
        If it is anything else.
    """
    try:
        url = httpx.URL(text.strip())
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise RefusedUrlError(f"it is not a url ({error})") from None
    require_acceptable(url)
    return url


def require_acceptable(url: httpx.URL) -> None:
    """Require http or https, a host, a possible port, and no credentials.

    Raises
    ------
    RefusedUrlError
        If a part is missing or is something else.
    """
    if url.scheme not in _SCHEMES:
        scheme = repr(url.scheme) if url.scheme else "missing"
        raise RefusedUrlError(f"its scheme is {scheme}, not http or https")
    if not url.host:
        raise RefusedUrlError("it names no host")
    if url.port is not None and not 0 < url.port <= _LAST_PORT:
        raise RefusedUrlError(f"port {url.port} does not exist")
    if url.userinfo:
        raise RefusedUrlError("it carries a user name or password")


async def addresses_of(url: httpx.URL, trusted: Collection[str]) -> list[str]:
    """Resolve a url's host; IPv4 addresses first, for networks without a route for IPv6.

    Raises
    ------
    RefusedUrlError
        If any of the addresses is neither public nor among ``trusted``.
    NoAddressError
        If the host has no address.
    """
    loop = asyncio.get_running_loop()
    try:
        # The raw host: Python's own encoding of international names is outdated.
        host = url.raw_host.decode("ascii")
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # UnicodeError: a label too long for a host name
        raise NoAddressError(f"no address is known for {url.host}") from None
    addresses = sorted({str(entry[4][0]) for entry in found}, key=lambda text: (":" in text, text))
    for address in addresses:
        if address not in trusted and not is_public(address):
            raise RefusedUrlError(f"{url.host} is at {address}, which is not a public address")
    return addresses


def is_public(address: str) -> bool:
    """Return True if an IP address is meant to be public."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    inner = _inner(ip)
    if inner is not None:
        return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _inner(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | None:
    if not isinstance(ip, ipaddress.IPv6Address):
        return None
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.sixtofour if ip in _6TO4 else None
