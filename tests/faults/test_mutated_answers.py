"""Mutated HTTP answers: a body, or a failure with a status; never a crash, never a hang."""

from __future__ import annotations

import asyncio
import gzip
import random
from collections import Counter
from typing import get_args

from tonegap.files.http_get import GetError, Getter
from tonegap.tables import Status

BODY = bytes(range(256)) * 3
ANSWERS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n300\r\n" + BODY + b"\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(BODY),
    b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/a\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 301 Moved\r\nLocation: /x?y#z\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 429 Busy\r\nRetry-After: 1\r\nContent-Length: 1\r\n\r\nx",
)
WORDS = (b"\r\n", b"\n", b"\0", b"\xff", b":", b" ", b"99999999999999999999", b"-1", b"gzip", b"//")
WORDS += (
    b"Location: http://[\r\n",
    b"Content-Length: 3\r\n",
    b"Retry-After: \xff\r\n",
    b"\xc3\xa9",
)
MUTANTS = 400


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Overwrite, remove, insert or cut, mostly in the header."""
    data = bytearray(content)
    for _ in range(chance.randint(1, 5)):
        reach = min(len(data), 120) if chance.random() < 0.85 else len(data)
        at, length = chance.randrange(max(reach, 1)), chance.choice((1, 1, 2, 4, 16))
        kind = chance.randrange(5)
        if kind == 0:
            data[at : at + length] = chance.randbytes(length)
        elif kind == 1:
            del data[at : at + length]
        elif kind in {2, 3}:
            data[at : at + length * (kind - 2)] = chance.choice(WORDS)
        elif chance.random() < 0.3:
            del data[at:]
    return bytes(data)


async def _asked(answers: list[bytes]) -> list[str]:
    """Ask for each answer once: the status, or "body"."""
    remaining = iter(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(next(remaining, b""))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    found = []
    async with server, Getter(2.0, 100_000, trusted=("127.0.0.1",)) as getter:
        for number in range(len(answers)):
            try:
                assert len(await getter.get(f"http://127.0.0.1:{port}/{number}")) <= 100_000
                found.append("body")
            except GetError as failure:
                found.append(failure.status if str(failure) else "no word")
    return found


def test_every_mutated_answer_is_a_body_or_has_a_status():
    """400 mutants: each ends in one of the statuses, and they are of several kinds."""
    chance = random.Random(1)  # noqa: S311  mutations need no secrecy
    answers = [mutated(chance.choice(ANSWERS), chance) for _ in range(MUTANTS)]
    counts = Counter(asyncio.run(_asked(answers)))
    assert counts.total() == MUTANTS
    assert set(counts) <= {"body", *get_args(Status)}
    assert min(counts["body"], counts["http_error"], counts["truncated"]) > 5
