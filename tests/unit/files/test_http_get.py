"""Asking many hosts: connections are not hoarded."""

from __future__ import annotations

import asyncio
import sys

import pytest

from tonegap.files.http_get import Getter

HOSTS = 90
KEPT = 64


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers at all of 127.0.0.0/8")
def test_connections_to_hosts_of_the_past_are_closed():
    """A table may name thousands of hosts, but a process may open few files."""
    most = asyncio.run(_most_connections())
    assert KEPT // 2 < most <= KEPT + 1


async def _most_connections() -> int:
    """Ask many hosts, one after the other; the most connections that were open at once."""
    now, most = 0, 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal now, most
        now, most = now + 1, max(most, now + 1)
        while await reader.read(1000):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
        writer.close()
        await writer.wait_closed()
        now -= 1

    addresses = [f"127.0.1.{n}" for n in range(1, HOSTS + 1)]
    server = await asyncio.start_server(serve, "0.0.0.0", 0)  # noqa: S104  loopback addresses only
    port = server.sockets[0].getsockname()[1]
    async with server:
        async with Getter(5.0, 1000, trusted=addresses) as getter:
            for address in addresses:
                assert await getter.get(f"http://{address}:{port}/") == b"x"
                await asyncio.sleep(0.001)  # lets the server see that a connection was closed
        while now:  # noqa: ASYNC110  there is no event for "all have gone"
            await asyncio.sleep(0.01)
    return most
