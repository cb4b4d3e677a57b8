"""Stage ``tones`` of an audit of generated images: the tone of every image.

Results of single batches are kept in the user's cache: an interrupted run goes on where it was.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tonegap.adapters.reference import parse_reference
from tonegap.digits import rounded_table
from tonegap.errors import DataError, ModelError
from tonegap.files.audit_plan import AuditPlan
from tonegap.files.cache import user_cache
from tonegap.files.checkpoint import run_key
from tonegap.files.kept_batches import KeptBatches
from tonegap.files.samples import Sample, Samples, list_samples, listing_sha256
from tonegap.files.tables import write_csv, write_json
from tonegap.fingerprint.decoding import UnreadableImageError, decode
from tonegap.tables import inert
from tonegap.tone import ita_class, mean_ita

_BATCH = 256
_THREADS = 8  # Pillow decodes outside the interpreter's lock
_VERSION = 1  # of how a tone is measured, for what is kept


def run(
    *,
    plan: AuditPlan,
    max_bytes: int,
    max_pixels: int,
    groups: dict[str, Any],
    group_column: str,
    per_image: Path,
    facts: Path,
) -> None:
    """Measure the tone of generated images.

    Parameters
    ----------
    plan
        What is audited: a folder.
    max_bytes, max_pixels
        Larger files are passed over; larger pictures are not decoded.
    groups, group_column
        The groups of the data, and what tells them apart.
    per_image, facts
        Written: a row per image (file, sha256, ita in degrees, tone, problem); what the numbers
        rest on.

    Raises
    ------
    ModelError
        If the folder is not what the audit was declared for.
    DataError
        If no image can be decoded.
    """
    folder = parse_reference(plan.model.reference).path
    samples = _declared(list_samples(folder, max_bytes), plan)
    key = {"tones": _VERSION, "max_pixels": max_pixels, "samples": samples.sha256}
    kept = KeptBatches(user_cache() / "audits" / run_key(key))
    parts = []
    for batch in _batches(samples.images):
        measure = partial(_tones, folder, batch, max_pixels)
        parts.append(kept.result(listing_sha256(batch), len(batch), measure)[0])
        _say(f"{sum(map(len, parts)):,} of {len(samples.images):,} images")
    ita = pd.concat(parts, ignore_index=True)["ita"]
    readable = ita.notna()
    if not readable.any():
        raise DataError(f"none of the {len(ita)} images in {folder} can be decoded")
    table = pd.DataFrame(
        {
            "file": [inert(image.name) for image in samples.images],
            "sha256": [image.sha256 for image in samples.images],
            "ita": ita,
            "tone": ita.map(ita_class, na_action="ignore"),
        }
    )
    write_csv(rounded_table(table), per_image)
    write_json(
        {
            "data": plan.data,
            "model": plan.model.model_dump(),
            "samples": {
                "images": int(readable.sum()),
                "distinct": int(table.loc[readable, "sha256"].nunique()),
                "unreadable": int((~readable).sum()),
                "skipped": len(samples.skipped),
            },
            "settings": {"groups": groups, "group_column": group_column},
        },
        facts,
    )
    kept.clear()


def _declared(samples: Samples, plan: AuditPlan) -> Samples:
    if {"images": samples.sha256} != plan.model.weights:
        raise ModelError(
            f"the images in {plan.model.reference} have changed since the audit was declared; run "
            f"`tonegap audit {plan.model.reference} {plan.data}` again"
        )
    return samples


def _batches(images: Sequence[Sample]) -> Iterator[Sequence[Sample]]:
    for start in range(0, len(images), _BATCH):
        yield images[start : start + _BATCH]


def _tones(folder: Path, batch: Sequence[Sample], max_pixels: int) -> pd.DataFrame:
    with ThreadPoolExecutor(_THREADS) as pool:
        paths = [folder / image.name for image in batch]
        return pd.DataFrame({"ita": list(pool.map(partial(_tone, max_pixels), paths))})


def _tone(max_pixels: int, path: Path) -> float:
    """Return the tone of a picture, degrees; NaN if it cannot be decoded."""
    try:
        return mean_ita(np.asarray(decode(path.read_bytes(), max_pixels)))
    except UnreadableImageError:
        return math.nan


def _say(message: str) -> None:
    print(f"tonegap tones: {message}", file=sys.stderr, flush=True)  # noqa: T201  its own words
