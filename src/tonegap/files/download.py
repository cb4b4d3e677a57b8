"""Many downloads at once, considerate of hosts, into the image store.

- At most ``connections`` at once, ``connections_per_host`` from one host.
- Temporary failures are retried after growing pauses. If a host sends Retry-After, all its
  downloads wait, at most a minute.
- A host is suspect after ten temporary failures in a row. It is given up if twenty more
  rows, taken from all over its queue, fail too: most of Fitzpatrick17k's urls are on two
  hosts, and waiting for each row of a dead one would take days. Rows that fail together are
  often neighbours in the table, so a host that serves any of the twenty is asked on as before.
- Downloads enter the store at once, and permanent failures enter the journal. A run that is
  killed therefore repeats neither.
"""

from __future__ import annotations

import asyncio
import io
import sys
import warnings
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from PIL import Image

from tonegap.errors import FetchError
from tonegap.files.atomic import require_free_space
from tonegap.files.http_get import GetError, Getter
from tonegap.files.journal import Journal
from tonegap.files.public_address import RefusedUrlError, parse_url
from tonegap.files.store import ImageStore, md5_of
from tonegap.fingerprint.decoding import FORMATS, UnreadableImageError, decode
from tonegap.params import FetchParams
from tonegap.tables import TYPICAL_BYTES, FetchOutcome, Status, inert

_SUSPECT: Final = 10  # temporary failures in a row
_GIVE_UP: Final = 30  # the same, including the probes from all over the host's rows
_SPREAD: Final = 0.6180339887  # golden section: its multiples, modulo 1, fill [0, 1) evenly
_FILE_TIMEOUT_S: Final = 20.0  # of a file that is downloaded alone


@dataclass(frozen=True)
class Patience:
    """Waiting times between attempts, seconds."""

    first_pause_s: float = 1.0
    longest_pause_s: float = 60.0

    def pause_s(self, attempt: int, asked_s: float | None) -> float:
        """Return the pause after an attempt (from 0): doubling, or as the host asks; capped."""
        wanted = self.first_pause_s * 2.0**attempt if asked_s is None else asked_s
        return min(wanted, self.longest_pause_s)


@dataclass
class _Host:
    """One host's queue and its failures so far."""

    rows: list[tuple[str, str]] = field(default_factory=list)
    resume_at_s: float = 0.0  # the event loop's clock
    failed_rows: int = 0  # temporary failures in a row
    probes: int = 0  # since it became suspect

    def next_row(self) -> tuple[str, str]:
        """Take the next row; if the host is suspect, one from anywhere in the queue."""
        if self.failed_rows < _SUSPECT:
            return self.rows.pop()
        self.probes += 1
        return self.rows.pop(int(len(self.rows) * (self.probes * _SPREAD % 1.0)))

    def note(self, *, failed: bool) -> None:
        """Record how a row ended; anything but a temporary failure clears the host."""
        self.failed_rows = self.failed_rows + 1 if failed else 0
        self.probes = self.probes if failed else 0


def download(
    urls: Mapping[str, str],
    store: ImageStore,
    params: FetchParams,
    *,
    journal: Journal,
    patience: Patience | None = None,
    trusted: Collection[str] = (),
    on_done: Callable[[Status], None] = lambda _: None,
) -> dict[str, FetchOutcome]:
    """Download images into the store.

    Parameters
    ----------
    urls
        Url by md5hash.
    store
        Where images go: verified ones and, separately, images with another md5.
    params
        Limits, retries, time-out.
    journal
        Permanent failures of an earlier run that was interrupted; this run's are added.
    patience
        Pauses; None means the usual ones.
    trusted
        Addresses that may be asked though they are not public. For tests only.
    on_done
        Called with the status of each row as it ends.

    Returns
    -------
    dict
        The failures, by md5hash. Rows that are not in it have an image in the store.

    Raises
    ------
    MachineError
        If the disk is too small or refuses.
    """
    if not urls:
        return {}
    require_free_space(store.root, len(urls) * TYPICAL_BYTES, f"downloading to {store.root}")
    failures = {row.md5hash: row for row in journal.read() if row.md5hash in urls}
    downloads = _Downloads(
        store, params, journal, patience or Patience(), failures, on_done, trusted
    )
    asyncio.run(downloads.run({name: urls[name] for name in urls if name not in failures}))
    return failures


def download_file(url: str, max_bytes: int) -> bytes:
    """Download one file into memory.

    Raises
    ------
    FetchError
        If it cannot be downloaded.
    """
    try:
        return asyncio.run(_one(url, Getter(_FILE_TIMEOUT_S, max_bytes)))
    except GetError as failure:
        raise FetchError(
            f"{inert(url)} cannot be downloaded ({failure.status}: {inert(failure)}); "
            "download it yourself and pass the file"
        ) from None


async def _one(url: str, getter: Getter) -> bytes:
    async with getter:
        return await getter.get(url)


@dataclass
class _Downloads:
    """The state of one call of :func:`download`."""

    store: ImageStore
    params: FetchParams
    journal: Journal
    patience: Patience
    failures: dict[str, FetchOutcome]
    on_done: Callable[[Status], None]
    trusted: Collection[str]

    async def run(self, urls: Mapping[str, str]) -> None:
        self._connections = asyncio.Semaphore(self.params.connections)
        self._decoding = asyncio.Lock()  # one large picture in memory at a time
        hosts = self._by_host(urls)
        async with Getter(
            self.params.timeout_s, self.params.max_bytes, trusted=self.trusted
        ) as getter:
            await asyncio.gather(
                *(
                    self._work(name, host, getter)
                    for name, host in hosts.items()
                    for _ in range(min(self.params.connections_per_host, len(host.rows)))
                )
            )

    def _by_host(self, urls: Mapping[str, str]) -> dict[str, _Host]:
        hosts: dict[str, _Host] = defaultdict(_Host)
        for md5hash, url in reversed(list(urls.items())):  # queues are emptied from the end
            try:
                hosts[parse_url(url).host].rows.append((md5hash, url))
            except RefusedUrlError as refusal:
                self._fail(
                    FetchOutcome(md5hash, "refused_url", detail=inert(refusal)), definite=True
                )
        return hosts

    async def _work(self, name: str, host: _Host, getter: Getter) -> None:
        while host.rows:
            md5hash, url = host.next_row()
            if host.failed_rows >= _GIVE_UP:
                detail = f"not asked: {name} failed {host.failed_rows} rows before"
                self._fail(FetchOutcome(md5hash, "unreachable", inert(name), detail=inert(detail)))
                continue
            try:
                status = await self._image(md5hash, url, host, getter)
            except GetError as failure:
                outcome = FetchOutcome(md5hash, failure.status, inert(name), detail=inert(failure))
                self._fail(outcome, definite=not failure.may_pass)
                host.note(failed=failure.may_pass)
            else:
                host.note(failed=False)
                self.on_done(status)

    def _fail(self, outcome: FetchOutcome, *, definite: bool = False) -> None:
        self.failures[outcome.md5hash] = outcome
        if definite:
            self.journal.note(outcome)
        self.on_done(outcome.status)

    async def _image(self, md5hash: str, url: str, host: _Host, getter: Getter) -> Status:
        """Bring one image into the store."""
        content = await self._patiently(url, host, getter)
        if md5_of(content) != md5hash:
            async with self._decoding:
                await asyncio.to_thread(_require_image, content, self.params.max_pixels)
        kept = self.store.put(md5hash, content, "url")
        return "verified" if kept == "verified" else "md5_mismatch"

    async def _patiently(self, url: str, host: _Host, getter: Getter) -> bytes:
        clock = asyncio.get_running_loop().time
        attempt = 0
        while True:
            await asyncio.sleep(max(0.0, host.resume_at_s - clock()))
            try:
                async with self._connections:
                    return await getter.get(url, attempt)
            except GetError as failure:
                if not failure.may_pass or attempt >= self.params.retries:
                    raise
                pause_s = self.patience.pause_s(attempt, failure.pause_s)
                if failure.pause_s is not None:
                    host.resume_at_s = clock() + pause_s
            await asyncio.sleep(pause_s)
            attempt += 1


def _require_image(content: bytes, max_pixels: int) -> None:
    if (pixels := _declared_pixels(content)) > max_pixels:
        detail = f"{pixels} pixels, {max_pixels} allowed (fetch.max_pixels)"
        raise GetError("too_large", detail)
    try:
        decode(content, max_pixels)
    except UnreadableImageError as problem:
        raise GetError("not_an_image", str(problem)) from None


def _declared_pixels(content: bytes) -> int:
    """Return width x height from the header, 0 if there is none: decoding will report why."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                return image.width * image.height
        except Image.DecompressionBombError:
            return sys.maxsize
        except Exception:  # noqa: BLE001  # decoders raise nearly anything on damaged bytes
            return 0
