"""Stage ``fetch``: one archive of the images that images.txt lists, and one status per row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

import pandas as pd

from tonegap.errors import DataError, FetchError
from tonegap.files.annotations import read_annotations
from tonegap.files.archive import write_archive
from tonegap.files.atomic import require_free_space
from tonegap.files.cache import user_cache
from tonegap.files.download import Patience
from tonegap.files.manifest import Manifest, file_urls, is_phantom, read_manifest, usable
from tonegap.files.obtain import obtain, write_missing
from tonegap.files.rendering import Rendered, render_all
from tonegap.files.store import ImageStore
from tonegap.files.tables import write_csv
from tonegap.files.tally import in_words, say_counts
from tonegap.params import FetchParams
from tonegap.tables import FETCH_COLUMNS, TAKEN, TYPICAL_BYTES, FetchOutcome, Status, few, inert

_GIVE: Final = "pass a folder or zip of images: tonegap source ... --images PATH"
_ADVICE: Final[Mapping[str, str]] = {
    "md5_mismatch": "set fetch.accept_unverified to use copies with another md5",
    "not_downloaded": "download them: tonegap source download",
}
_SHOWN: Final = 3


def run(
    *,
    annotations: Path,
    manifest: Path,
    params: FetchParams,
    raw: Path,
    fetch: Path,
    missing: Path,
    store_root: Path | None = None,
    patience: Patience | None = None,
    trusted: Collection[str] = (),
) -> None:
    """Gather exactly the listed images, and render the phantoms.

    Images come from the image store. Missing ones are downloaded into it, so that a killed
    run can resume. The outputs depend only on the inputs, not on the store.

    Parameters
    ----------
    annotations
        The annotation table.
    manifest
        The list of images (:mod:`tonegap.files.manifest`). Copies with another md5 are used
        only under ``fetch.accept_unverified``.
    params
        The section ``fetch``.
    raw, fetch
        Written: the archive, sorted by md5hash, and one :class:`~tonegap.tables.FetchOutcome`
        per row, in the order of the table.
    missing
        Written if listed images are missing: one outcome for each of them.
    store_root
        Folder of the image store; None means the user's own.
    patience
        Pauses between attempts; None means the usual ones.
    trusted
        Addresses that may be asked though they are not public. For tests only.

    Raises
    ------
    DataError
        If the table or the list breaks a rule, or the list names images of no row.
    FetchError
        If a listed image is missing, or if fewer rows than ``params.min_success`` have an
        image. In the second case, the archive and the table are written first, to show why.
    MachineError
        If a disk is full or refuses a write.
    """
    table = read_annotations(annotations)
    listed = read_manifest(manifest)
    urls = file_urls(table)
    _require_rows(listed, urls, manifest, annotations)
    store = ImageStore(store_root or user_cache() / "images")
    store.tidy()
    wanted = usable(listed, accept_unverified=params.accept_unverified)
    lost = obtain(
        {name: urls[name] for name in wanted},
        lambda name: store.holds(name, wanted[name]),
        store,
        params,
        ask=params.download,
        patience=patience,
        trusted=trusted,
    )
    write_missing(lost, missing)
    _require_all(lost, len(wanted), manifest, missing, ask=params.download)
    phantoms = len(table) - len(urls)
    stored = sum(store.size(*image) for image in wanted.items())
    require_free_space(
        raw.parent, stored + phantoms * TYPICAL_BYTES, f"gathering images into {raw}"
    )
    outcomes: dict[str, FetchOutcome] = {}
    write_archive(raw, _entries(table, listed, store, params, outcomes))
    rows = [outcomes[md5hash] for md5hash in table["md5hash"]]
    write_csv(pd.DataFrame(rows, columns=list(FETCH_COLUMNS)), fetch)
    say_counts(rows, store.damaged)
    _require_success(rows, params.min_success, fetch)


def _require_rows(
    listed: Manifest, urls: Mapping[str, str | None], manifest: Path, annotations: Path
) -> None:
    """Reject a list that belongs to another table: a partial `git checkout` leaves one behind."""
    strange = sorted(set(listed) - set(urls))
    if strange:
        raise DataError(
            f"{manifest} lists {len(strange)} images of no row of {annotations}, such as "
            f"{few(strange, _SHOWN)}, so the two belong to different data sets; restore both (`git "
            "checkout data.dvc images.txt`, `dvc checkout data.dvc`) or run `tonegap source ...`"
        )


def _require_all(
    lost: list[FetchOutcome], wanted: int, manifest: Path, missing: Path, *, ask: bool
) -> None:
    if not lost:
        return
    why = in_words(Counter(row.status for row in lost))
    how = _GIVE if ask else f"{_GIVE}, or set fetch.download"
    raise FetchError(
        f"{len(lost)} of the {wanted} images that {manifest} lists are missing here, so this "
        f"would be another data set than the commit's; neither the image store nor their urls have "
        f"them ({why}), such as {few([row.md5hash for row in lost], _SHOWN)}; {missing} lists all; "
        f"{how}; or, to go on without them, delete {manifest} and run `tonegap source ...` again"
    )


def _entries(
    table: pd.DataFrame,
    listed: Manifest,
    store: ImageStore,
    params: FetchParams,
    outcomes: dict[str, FetchOutcome],
) -> Iterator[tuple[str, bytes]]:
    """Yield the archive's entries one by one, and record the outcome of every row."""
    urls = table.set_index("md5hash")["url"].sort_index()
    rendered = render_all([url for url in urls if is_phantom(url)])
    for md5hash, url in urls.items():
        name = str(md5hash)
        if is_phantom(url):
            outcome, content = _rendered(name, next(rendered))
        elif name in listed:
            outcome, content = _stored(name, listed[name], store, params)
        else:
            outcome = FetchOutcome(
                name, "not_downloaded" if isinstance(url, str) else "missing_url"
            )
            content = None
        outcomes[name] = outcome
        if content is not None:
            yield f"{name}.jpg", content


def _rendered(md5hash: str, image: Rendered) -> tuple[FetchOutcome, bytes | None]:
    if isinstance(image, DataError):
        return FetchOutcome(md5hash, "refused_url", "phantom", detail=inert(image)), None
    return FetchOutcome(md5hash, "rendered", "phantom", len(image)), image


def _stored(
    md5hash: str, sha256: str | None, store: ImageStore, params: FetchParams
) -> tuple[FetchOutcome, bytes | None]:
    if sha256 is not None and not params.accept_unverified:
        detail = "the listed copy has another md5 (fetch.accept_unverified uses it)"
        return FetchOutcome(md5hash, "md5_mismatch", "store", detail=detail), None
    content = store.get(md5hash, sha256)
    if content is None:  # it was there before
        raise FetchError(
            f"the image {md5hash} was damaged or removed while it was read, so the archive would "
            "lack it; run the stage again"
        )
    status: Status = "verified" if sha256 is None else "unverified"
    return FetchOutcome(md5hash, status, "store", len(content)), content


def _require_success(rows: list[FetchOutcome], min_success: float, fetch: Path) -> None:
    taken = sum(row.status in TAKEN for row in rows)
    if taken / len(rows) >= min_success:  # the product of the other two may round upwards
        return
    lost = Counter(row.status for row in rows if row.status not in TAKEN)
    (worst, count), *_ = lost.most_common(1)
    raise FetchError(
        f"{taken} of {len(rows)} images are available, fewer than fetch.min_success = "
        f"{min_success}; {count} rows are {worst!r} ({fetch} lists all): "
        f"{_ADVICE.get(worst, _GIVE)}"
    )
