"""Phantoms drawn in order, on all cores where there are enough of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from tonegap.errors import DataError
from tonegap.parallel import cores, in_order
from tonegap.phantom.render import jpeg_from_url

_CHUNK: Final = 16  # phantoms per task: a third of a second
_WORTH_A_POOL: Final = 200  # starting workers takes as long as rendering this many

Rendered = bytes | DataError


def render_all(urls: Sequence[str], processes: int | None = None) -> Iterator[Rendered]:
    """Draw phantoms, in the order of their urls and in bounded memory.

    Parameters
    ----------
    urls
        ``phantom:`` urls.
    processes
        Processes at work, this one included; None chooses by cores and by number of urls.
        What is drawn does not depend on it.

    Yields
    ------
    bytes or DataError
        The JPEG file, or what is wrong with the url.

    Raises
    ------
    MachineError
        If a worker dies, for instance for lack of memory.
    """
    wanted = processes or (cores() if len(urls) >= _WORTH_A_POOL else 1)
    return in_order(_draw, urls, wanted, chunk=_CHUNK, worker="that draws phantoms")


def _draw(url: str) -> Rendered:
    try:
        return jpeg_from_url(url)
    except DataError as problem:
        return problem
