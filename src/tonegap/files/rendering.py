"""Render phantoms in order, on all cores if there are enough phantoms."""

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
    """Render phantoms in the order of their urls, in bounded memory.

    Parameters
    ----------
    urls
        ``phantom:`` urls.
    processes
        Number of processes, including this one; None chooses by cores and number of urls.
        The phantoms do not depend on it.

    Yields
    ------
    bytes or DataError
        The JPEG file, or what is wrong with the url.

    Raises
    ------
    MachineError
        If a worker dies, for example because memory runs out.
    """
    wanted = processes or (cores() if len(urls) >= _WORTH_A_POOL else 1)
    return in_order(_draw, urls, wanted, chunk=_CHUNK, worker="that draws phantoms")


def _draw(url: str) -> Rendered:
    try:
        return jpeg_from_url(url)
    except DataError as problem:
        return problem
