"""Stage ``fetch``: one archive of all images that can be had, and one status per row."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

import pandas as pd

from tonegap.errors import DataError, FetchError
from tonegap.files import layout
from tonegap.files.annotations import read_annotations
from tonegap.files.archive import write_archive
from tonegap.files.atomic import require_free_space
from tonegap.files.download import Patience, download
from tonegap.files.drawing import Drawn, draw
from tonegap.files.journal import Journal
from tonegap.files.parameters import read_params
from tonegap.files.store import ImageStore
from tonegap.files.tables import write_csv
from tonegap.files.tally import say_counts, tally
from tonegap.params import FetchParams
from tonegap.tables import FETCH_COLUMNS, PHANTOM_SCHEME, TAKEN, TYPICAL_BYTES, Outcome, inert

_ADVICE: Final[Mapping[str, str]] = {
    "md5_mismatch": "set fetch.accept_unverified to take copies of other bytes",
    "not_downloaded": "set fetch.download, or give images: tonegap source ... --images PATH",
    "timeout": "raise fetch.timeout_s, or give images: tonegap source ... --images PATH",
    "too_large": "raise fetch.max_bytes or fetch.max_pixels",
}
_DEFAULT_ADVICE: Final = "give a folder or zip of images: tonegap source ... --images PATH"


def run(
    *,
    annotations: Path,
    params: FetchParams,
    raw: Path,
    fetch: Path,
    store_root: Path | None = None,
    patience: Patience | None = None,
    trusted: Collection[str] = (),
) -> None:
    """Gather the images of the annotation table.

    Phantoms are drawn; others come from the image store, else from their url, by way of
    the store, so that an interrupted run goes on where it was.

    Parameters
    ----------
    annotations
        The annotation table.
    params
        The section ``fetch``.
    raw, fetch
        Written: the archive, sorted by md5hash, and one :class:`~tonegap.tables.Outcome`
        per row, in the order of the table.
    store_root
        Folder of the image store; None is the user's own.
    patience
        Pauses between attempts; None is the usual.
    trusted
        Addresses that may be asked though they are not public. For tests only.

    Raises
    ------
    DataError
        If the annotation table breaks a rule.
    FetchError
        If fewer rows than ``params.min_success`` have an image. Archive and table are
        written first, for the table says why.
    MachineError
        If a disk is too small or refuses.
    """
    table = read_annotations(annotations)
    store = ImageStore(store_root or layout.user_cache() / "images")
    store.tidy()
    journal = _journal(annotations, params, store)
    wanted = _wanted(table, store, params)
    require_free_space(
        raw.parent, _needed_bytes(table, store, len(wanted)), f"gathering images into {raw}"
    )
    with tally(len(wanted), "downloading") as on_done:
        failures = download(
            wanted,
            store,
            params,
            journal=journal,
            patience=patience,
            trusted=trusted,
            on_done=on_done,
        )
    outcomes: dict[str, Outcome] = {}
    write_archive(raw, _entries(table, store, params, failures, outcomes))
    rows = [outcomes[md5hash] for md5hash in table["md5hash"]]
    write_csv(pd.DataFrame(rows, columns=list(FETCH_COLUMNS)), fetch)
    journal.forget()
    say_counts(rows, store.damaged)
    _require_success(rows, params.min_success, fetch)


def from_workspace() -> None:
    """Run the stage on the repository's own files."""
    run(
        annotations=layout.ANNOTATIONS,
        params=read_params().fetch,
        raw=layout.RAW,
        fetch=layout.FETCH,
    )


def _journal(annotations: Path, params: FetchParams, store: ImageStore) -> Journal:
    """Journal of exactly this task: another table or other limits start afresh."""
    task = annotations.read_bytes() + params.model_dump_json().encode()
    return Journal(store.root / "interrupted" / f"{hashlib.sha256(task).hexdigest()}.jsonl")


def _wanted(table: pd.DataFrame, store: ImageStore, params: FetchParams) -> dict[str, str]:
    """Urls to ask, by md5hash: of rows for which the store has nothing that will do."""
    if not params.download:
        return {}
    urls = table.dropna(subset="url").set_index("md5hash")["url"]
    return {
        str(md5hash): url
        for md5hash, url in urls.items()
        if not _is_phantom(url)
        and not store.downloaded_copy(str(md5hash))
        and not store.holds(str(md5hash))
        and not (params.accept_unverified and store.unverified(str(md5hash)))
    }


def _needed_bytes(table: pd.DataFrame, store: ImageStore, downloads: int) -> int:
    """Bytes of the archive: those in the store as they are, the others as images usually are."""
    drawn = sum(_is_phantom(url) for url in table["url"])
    stored = sum(store.size(str(md5hash)) for md5hash in table["md5hash"])
    return stored + (downloads + drawn) * TYPICAL_BYTES


def _entries(
    table: pd.DataFrame,
    store: ImageStore,
    params: FetchParams,
    failures: Mapping[str, Outcome],
    outcomes: dict[str, Outcome],
) -> Iterator[tuple[str, bytes]]:
    """Yield the archive's entries one by one, and note what became of every row."""
    urls = table.set_index("md5hash")["url"].sort_index()
    drawings = draw([url for url in urls if _is_phantom(url)])
    for md5hash, url in urls.items():
        name = str(md5hash)
        if _is_phantom(url):
            outcome, content = _drawn(name, next(drawings))
        else:
            outcome, content = _stored(name, url, store, params)
        if outcome.status not in TAKEN and name in failures:
            outcome = failures[name]
        outcomes[name] = outcome
        if content is not None:
            yield f"{name}.jpg", content


def _is_phantom(url: object) -> bool:
    return isinstance(url, str) and url.startswith(PHANTOM_SCHEME)


def _drawn(md5hash: str, drawing: Drawn) -> tuple[Outcome, bytes | None]:
    if isinstance(drawing, DataError):
        return Outcome(md5hash, "refused_url", "phantom", detail=inert(drawing)), None
    return Outcome(md5hash, "rendered", "phantom", len(drawing)), drawing


def _stored(
    md5hash: str, url: object, store: ImageStore, params: FetchParams
) -> tuple[Outcome, bytes | None]:
    if (content := store.get(md5hash)) is not None:
        return Outcome(md5hash, "verified", "store", len(content)), content
    if (copy := store.unverified(md5hash)) is not None:
        if params.accept_unverified:
            return Outcome(md5hash, "unverified", "store", len(copy)), copy
        detail = f"a copy of {len(copy)} bytes has another md5 (fetch.accept_unverified takes it)"
        return Outcome(md5hash, "md5_mismatch", "store", detail=detail), None
    if not isinstance(url, str):
        return Outcome(md5hash, "missing_url"), None
    return Outcome(md5hash, "not_downloaded"), None


def _require_success(rows: list[Outcome], min_success: float, fetch: Path) -> None:
    taken = sum(row.status in TAKEN for row in rows)
    if taken / len(rows) >= min_success:  # the product of the other two may round upwards
        return
    lost = Counter(row.status for row in rows if row.status not in TAKEN)
    (worst, count), *_ = lost.most_common(1)
    raise FetchError(
        f"{taken} of {len(rows)} images could be had, fewer than fetch.min_success = "
        f"{min_success}; {count} rows are {worst!r} ({fetch} lists all): "
        f"{_ADVICE.get(worst, _DEFAULT_ADVICE)}"
    )
