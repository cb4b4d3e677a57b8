"""Download images that the store lacks, and report which are still missing, and why."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import pandas as pd

from tonegap.files.download import Patience, download
from tonegap.files.journal import Journal
from tonegap.files.store import ImageStore
from tonegap.files.tables import write_csv
from tonegap.files.tally import tally
from tonegap.params import FetchParams
from tonegap.tables import FETCH_COLUMNS, FetchOutcome

_OTHER_MD5 = "the local copy, or the one from its url, has another md5"


def obtain(
    urls: Mapping[str, str | None],
    held: Callable[[str], bool],
    store: ImageStore,
    params: FetchParams,
    *,
    ask: bool,
    patience: Patience | None = None,
    trusted: Collection[str] = (),
) -> list[FetchOutcome]:
    """Download missing images into the store; return those that are still missing.

    The next call resumes a killed one: it repeats no download and no permanent failure. A
    url that returned a copy with another md5 is not asked again.

    Parameters
    ----------
    urls
        The images to obtain: url, or None, by md5hash.
    held
        Function that is True if the store holds the wanted image of a row.
    store
        Where downloads go.
    params
        The section ``fetch``.
    ask
        If False, only report; ask no url.
    patience
        Pauses between attempts; None means the usual ones.
    trusted
        Addresses that may be asked though they are not public. For tests only.

    Raises
    ------
    MachineError
        If the disk is too small or refuses.
    """
    lacking = {name: url for name, url in urls.items() if not held(name)}
    asked = {
        name: url
        for name, url in lacking.items()
        if ask and url is not None and not store.downloaded_copy(name)
    }
    journal = _journal(urls, params, store)
    with tally(len(asked), "downloading") as on_done:
        failures = download(
            asked,
            store,
            params,
            journal=journal,
            patience=patience,
            trusted=trusted,
            on_done=on_done,
        )
    journal.forget()
    return [
        failures.get(name) or _outcome(name, url, store)
        for name, url in lacking.items()
        if not held(name)
    ]


def write_missing(missing: list[FetchOutcome], path: Path) -> None:
    """Write a row for each missing image, with the reason; remove the file if there is none."""
    if missing:
        write_csv(pd.DataFrame(missing, columns=list(FETCH_COLUMNS)), path)
    else:
        path.unlink(missing_ok=True)


def _outcome(name: str, url: str | None, store: ImageStore) -> FetchOutcome:
    if store.unverified(name) is not None:
        return FetchOutcome(name, "md5_mismatch", "store", detail=_OTHER_MD5)
    return FetchOutcome(name, "missing_url" if url is None else "not_downloaded")


def _journal(urls: Mapping[str, str | None], params: FetchParams, store: ImageStore) -> Journal:
    """Return the journal of this task; other images or limits make another task."""
    task = f"{dict(sorted(urls.items()))}{params.model_dump_json()}"
    return Journal(
        store.root / "interrupted" / f"{hashlib.sha256(task.encode()).hexdigest()}.jsonl"
    )
