"""Download the images that are missing, and list them in images.txt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path

from tonegap.files.annotations import read_annotations
from tonegap.files.cache import user_cache
from tonegap.files.download import Patience
from tonegap.files.manifest import (
    file_urls,
    newly_listed,
    read_manifest,
    with_images_at_hand,
    write_manifest,
)
from tonegap.files.obtain import obtain, write_missing
from tonegap.files.store import ImageStore
from tonegap.params import FetchParams
from tonegap.source.outcome import Downloaded


def download_images(
    *,
    annotations: Path,
    manifest: Path,
    failures: Path,
    params: FetchParams,
    store_root: Path | None = None,
    patience: Patience | None = None,
    trusted: Collection[str] = (),
) -> Downloaded:
    """Download the images that the store lacks from their urls, and list them in images.txt.

    Downloaded images are listed even if others fail. The next call resumes a killed one.

    Parameters
    ----------
    annotations
        The annotation table.
    manifest
        The list of images; rewritten.
    failures
        Written: an outcome for each image that is still missing; removed if there is none.
    params
        The section ``fetch``; its switch ``download`` concerns the stage ``fetch`` alone.
    store_root
        Folder of the image store; None means the user's own.
    patience
        Pauses between attempts; None means the usual ones.
    trusted
        Addresses that may be asked though they are not public. For tests only.

    Raises
    ------
    DataError
        If the table or the list cannot be read.
    MachineError
        If a disk is too small or refuses.
    """
    table = read_annotations(annotations)
    before = read_manifest(manifest)
    store = ImageStore(store_root or user_cache() / "images")
    store.tidy()
    failed = obtain(
        file_urls(table),
        lambda name: (
            store.holds(name) or (params.accept_unverified and store.unverified(name) is not None)
        ),
        store,
        params,
        ask=True,
        patience=patience,
        trusted=trusted,
    )
    write_missing(failed, failures)
    images = with_images_at_hand(before, table, store)
    if images != before:
        write_manifest(images, manifest)
    added = newly_listed(before, images)
    return Downloaded(len(images), added, Counter(row.status for row in failed))
