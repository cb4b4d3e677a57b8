"""One attempt at one url: the bytes, or a failure with a status.

Redirects are followed here, hop by hop, because each hop must be public. Bodies are
counted as they arrive, because a header may be wrong.
"""

from __future__ import annotations

import asyncio
import email.utils
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Final

import httpx

import tonegap
from tonegap.errors import one_line
from tonegap.files.public_address import (
    NoAddressError,
    RefusedUrlError,
    addresses_of,
    parse_url,
    require_acceptable,
)
from tonegap.tables import Status

_MAX_REDIRECTS: Final = 5
_GONE: Final = (404, 410)
_MAY_PASS: Final = (408, 425, 429, 500, 502, 503, 504)
_OK: Final = 200
_DEADLINE_FACTOR: Final = 10  # of the time-out: ends bodies that arrive too slowly
_COMPRESSED: Final = ("gzip", "x-gzip", "deflate")
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS  # zlib tells the two apart by their first bytes
_OPEN_HOSTS: Final = 64  # hosts whose connections are kept open; a table may name thousands
_HEADERS: Final = {
    "User-Agent": f"tonegap/{tonegap.__version__}",
    "Accept": "image/*, */*;q=0.5",
    "Accept-Encoding": "identity",  # bytes are counted as they are sent
}


class GetError(Exception):
    """An attempt that failed.

    Attributes
    ----------
    status
        Its status in data/fetch.csv.
    may_pass
        True if another attempt may succeed.
    pause_s
        Seconds that the host asked to wait, or None.
    """

    def __init__(
        self, status: Status, detail: str, *, may_pass: bool = False, pause_s: float | None = None
    ) -> None:
        super().__init__(detail)
        self.status: Status = status
        self.may_pass = may_pass
        self.pause_s = pause_s


class Getter:
    """A client that keeps connections open between requests to one host.

    Proxies of the environment are not used: a proxy resolves names itself, so an address
    could not be checked.

    Parameters
    ----------
    timeout_s
        Seconds to wait for a connection, and for the next bytes; a whole attempt may
        take ten times as long.
    max_bytes
        Largest body.
    trusted
        Addresses that may be asked though they are not public. For tests only.
    """

    def __init__(self, timeout_s: float, max_bytes: int, *, trusted: Collection[str] = ()) -> None:
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._trusted = trusted
        # One context for all: loading the trusted certificates takes tens of milliseconds.
        self._trust = ssl.create_default_context()
        self._clients: dict[str, _Client] = {}  # the least recently used first

    async def __aenter__(self) -> Getter:  # noqa: PYI034  the run-time check has no Self
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for client in self._clients.values():
            await client.http.aclose()

    async def get(self, url: str, attempt: int = 0) -> bytes:
        """Return a complete body of acceptable size.

        Parameters
        ----------
        url
            Where it is.
        attempt
            From 0; later attempts try the host's other addresses.

        Raises
        ------
        GetError
            If it cannot be downloaded.
        """
        try:
            async with asyncio.timeout(_DEADLINE_FACTOR * self._timeout_s):
                return await self._follow(parse_url(url), attempt)
        except RefusedUrlError as refusal:
            raise GetError("refused_url", str(refusal)) from None
        except NoAddressError as failure:
            raise GetError("unreachable", str(failure), may_pass=True) from None
        except (httpx.TimeoutException, TimeoutError):
            detail = f"no complete answer in time (fetch.timeout_s = {self._timeout_s:g})"
            raise GetError("timeout", detail, may_pass=True) from None
        except httpx.InvalidURL as failure:  # the first url is parsed already
            raise GetError("refused_url", f"it redirects to no url ({failure})") from None
        except httpx.RemoteProtocolError as failure:
            raise _protocol_error(failure) from None
        except httpx.TransportError as failure:
            raise GetError("unreachable", one_line(failure), may_pass=True) from None
        except (httpx.HTTPError, httpx.StreamError) as failure:
            raise GetError("http_error", one_line(failure)) from None

    async def _follow(self, url: httpx.URL, attempt: int) -> bytes:
        seen = set[str]()
        while str(url) not in seen and len(seen) <= _MAX_REDIRECTS:
            seen.add(str(url))
            answer = await self._ask(url, attempt)
            if isinstance(answer, bytes):
                return answer
            url = answer
            require_acceptable(url)
        reason = "they turn in a circle" if str(url) in seen else f"more than {_MAX_REDIRECTS}"
        raise GetError("too_many_redirects", f"redirects: {reason}")

    async def _ask(self, url: httpx.URL, attempt: int) -> bytes | httpx.URL:
        """Ask one hop; return its body, or where it redirects to."""
        addresses = await addresses_of(url, self._trusted)
        address = addresses[attempt % len(addresses)]
        async with (
            self._client(url.host) as client,
            client.stream(
                "GET",
                url.copy_with(host=address),
                headers={"Host": url.netloc.decode("ascii")},
                # The certificate must be the name's, though the connection goes to the address.
                extensions={"sni_hostname": url.raw_host.decode("ascii")},
            ) as response,
        ):
            if response.has_redirect_location:
                return _target(url, response)
            _require_ok(response)
            return await self._body(response)

    @asynccontextmanager
    async def _client(self, host: str) -> AsyncIterator[httpx.AsyncClient]:
        """One client per host name: names that share an address share no connection."""
        client = self._clients.pop(host, None) or _Client(self._new_client())
        self._clients[host] = client  # now the most recently used
        client.users += 1
        try:
            yield client.http
        finally:
            client.users -= 1
            await self._close_surplus()

    def _new_client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            verify=self._trust,
            trust_env=False,
            timeout=self._timeout_s,
            headers=_HEADERS,
            follow_redirects=False,
            # No picture needs cookies, and hosts could fill every later request with them.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )

    async def _close_surplus(self) -> None:
        idle = [host for host, client in self._clients.items() if not client.users]
        for host in idle[: max(0, len(self._clients) - _OPEN_HOSTS)]:
            await self._clients.pop(host).http.aclose()

    async def _body(self, response: httpx.Response) -> bytes:
        unpack = _unpacker(response.headers.get("Content-Encoding", ""))
        declared = response.headers.get("Content-Length", "")
        if declared.isdecimal() and int(declared) > self._max_bytes:  # of 20 digits at most (h11)
            raise self._too_large(f"{declared} bytes are declared")
        body = bytearray()
        try:
            async for chunk in response.aiter_raw():
                # Unpacked no further than the limit: compressed answers may be bombs.
                room = self._max_bytes + 1 - len(body)
                body += unpack.decompress(chunk, room) if unpack else chunk
                if len(body) > self._max_bytes:
                    raise self._too_large(f"{len(body)} bytes had come")
        except (httpx.RemoteProtocolError, httpx.ReadError) as failure:
            detail = f"broken off after {len(body)} of {declared or 'unknown'} bytes"
            raise GetError("truncated", detail, may_pass=True) from failure
        except zlib.error:
            raise GetError(
                "http_error", "an answer that is not compressed as it declares"
            ) from None
        if unpack and not unpack.eof:
            raise GetError("truncated", "its compressed answer has no end", may_pass=True)
        return bytes(body)

    def _too_large(self, what: str) -> GetError:
        return GetError("too_large", f"{what}, {self._max_bytes} allowed (fetch.max_bytes)")


class _Client:
    """A client and its open requests."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.users = 0


def _unpacker(encoding: str) -> zlib._Decompress | None:
    """Decompressors for hosts that compress their answer although asked not to."""
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return None
    if name not in _COMPRESSED:
        raise GetError("http_error", f"an answer encoded as {name[:40]!r}, which was not asked for")
    return zlib.decompressobj(_GZIP_OR_ZLIB)


def _target(url: httpx.URL, response: httpx.Response) -> httpx.URL:
    location = response.headers["Location"]
    try:
        return url.join(location)
    except (httpx.InvalidURL, ValueError) as error:
        raise RefusedUrlError(f"it redirects to no url ({error})") from None


def _require_ok(response: httpx.Response) -> None:
    code = response.status_code
    if code == _OK:
        return
    if code in _GONE:
        raise GetError("not_found", f"HTTP {code}")
    raise GetError(
        "http_error",
        f"HTTP {code}",
        may_pass=code in _MAY_PASS,
        pause_s=retry_after_s(response.headers.get("Retry-After"), time.time()),
    )


def retry_after_s(header: str | None, now_s: float) -> float | None:
    """Return the seconds that a Retry-After header asks for (RFC 9110, 10.2.3), or None.

    Parameters
    ----------
    header
        Seconds or a date.
    now_s
        Seconds since the epoch.
    """
    text = (header or "").strip()
    if text.isdecimal():
        return float(text[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - now_s)
    except (ValueError, OverflowError):
        return None


def _protocol_error(failure: httpx.RemoteProtocolError) -> GetError:
    """Tell an invalid answer from no answer; httpx has one error for both."""
    words = one_line(failure)
    if words.startswith("Server disconnected"):
        return GetError("unreachable", words, may_pass=True)
    if "location header" in words:  # httpx parses redirects that it does not follow
        return GetError("refused_url", f"it redirects to no url ({words})")
    # The bytes may be left over from the previous answer on a reused connection.
    return GetError("http_error", f"its answer breaks the rules of HTTP ({words})", may_pass=True)
