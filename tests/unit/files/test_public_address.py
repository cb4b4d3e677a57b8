"""Which addresses and urls may be asked."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tonegap.files.public_address import (
    NoAddressError,
    RefusedUrlError,
    addresses_of,
    is_public,
    parse_url,
)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.1",
        "0.0.0.0",  # noqa: S104  # an address to refuse, nothing is bound
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_addresses_that_are_not_public(address):
    """Loopback, private, link-local, reserved ones and IPv6 around them are not public."""
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_addresses_that_are_public(address):
    """Ordinary addresses are public, also inside IPv6."""
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.org/a",
        "gopher://example.org",
        "//example.org/a",
        "example.org/a.jpg",
        "",
        "http:///a",
        "http://user@example.org/",
        "http://example.org:0/",
        "http://example.org:99999/",
        "http://[::1",
        "http://a\x00b/",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
    ],
)
def test_urls_that_are_refused(url):
    """Only http and https urls with a host and no credentials are asked."""
    with pytest.raises(RefusedUrlError):
        parse_url(url)


def test_urls_with_odd_characters_are_asked():
    """Spaces and umlauts in paths, as in the atlases' urls, are encoded, not refused."""
    assert parse_url(" http://example.org/Ü b.jpg ").raw_path == b"/%C3%9C%20b.jpg"


def test_trusted_addresses_are_let_through():
    """The switch for tests names addresses; others stay refused."""
    url = httpx.URL("http://127.0.0.1:9/")
    assert asyncio.run(addresses_of(url, trusted={"127.0.0.1"})) == ["127.0.0.1"]
    with pytest.raises(RefusedUrlError, match=r"127\.0\.0\.1, which is not a public"):
        asyncio.run(addresses_of(url, trusted={"10.0.0.1"}))


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70 + ".org"])
def test_a_name_without_address(host):
    """Names that do not resolve, or cannot be names, have no address."""
    with pytest.raises(NoAddressError):
        asyncio.run(addresses_of(httpx.URL(f"http://{host}/"), trusted=()))


def test_one_private_address_among_public_ones_refuses_the_host(monkeypatch):
    """A name that resolves to both kinds could be sent to either."""

    async def both(*_args, **_kinds):
        return [(2, 1, 6, "", ("8.8.8.8", 0)), (2, 1, 6, "", ("10.0.0.1", 0))]

    async def ask():
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both)
        return await addresses_of(httpx.URL("http://rebind.example/"), trusted=())

    with pytest.raises(RefusedUrlError, match=r"10\.0\.0\.1"):
        asyncio.run(ask())
