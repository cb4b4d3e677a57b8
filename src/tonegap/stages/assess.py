"""Stage ``assess`` of an audit: measure a finished model on every image of the cohort.

Results of single batches are kept in the user's cache: an interrupted run goes on where it was.
"""

from __future__ import annotations

import hashlib
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import UInt8

import tonegap
from tonegap.adapters.identity import Loaded
from tonegap.adapters.loading import load_model
from tonegap.adapters.reference import Reference, parse_reference
from tonegap.assessment import (
    PairMeasure,
    per_image_errors,
    range_warning,
    reconstruction_errors,
    reconstructions,
)
from tonegap.digits import rounded_table
from tonegap.duplicates.clustering import with_copies
from tonegap.errors import DataError, ModelError
from tonegap.examples import Examples
from tonegap.fidelity import perception
from tonegap.files.audit_plan import AuditPlan, read_seen
from tonegap.files.cache import user_cache
from tonegap.files.checkpoint import run_key
from tonegap.files.examples import write_examples
from tonegap.files.kept_batches import KeptBatches, pixels_sha256
from tonegap.files.packed import PackedSubset, open_packed
from tonegap.files.rendered import all_rendered
from tonegap.files.tables import read_csv, write_csv, write_json
from tonegap.groups import Groups
from tonegap.model.baselines import JpegBaseline
from tonegap.model.protocol import GenerativeModel
from tonegap.params import EvaluateParams, PerceptualNetwork
from tonegap.tables import COHORT_COLUMNS
from tonegap.training.precision import describe_device, numerics
from tonegap.training.usage import peak_bytes, reset_peak
from tonegap.uncertainty.setting import Setting, TrainingDraw
from tonegap.uncertainty.table import WITHOUT_DRAW, fit_scores

_SAID_EVERY_S = 5.0
_KIB, _GIGA = 1024, 1e9

Pixels = UInt8[np.ndarray, "images size size 3"]


def run(
    *,
    images: Path,
    image_rows: Path,
    cohort: Path,
    duplicates: Path,
    fetch: Path,
    seen: Path,
    plan: AuditPlan,
    params: EvaluateParams,
    network: PerceptualNetwork,
    network_weights: str,
    groups: Groups,
    group_column: str,
    device: torch.device,
    per_image: Path,
    facts: Path,
    examples: Path,
) -> None:
    """Assess a finished model.

    Parameters
    ----------
    images, image_rows, cohort, fetch
        Packed pixels and the tables that describe them.
    duplicates
        Pairs of near duplicates: an image that is a copy of a seen one leaves, too.
    seen
        md5s of images that the model was trained on, one a line; absent if none are known.
    plan
        What is audited.
    params
        The section ``evaluate``: the scores, the JPEG baseline, the number of shown images.
    network, network_weights
        The perceptual network; LPIPS is measured if it is a trained SqueezeNet.
    groups, group_column
        The groups, and what tells them apart.
    device
        Where the model runs.
    per_image, facts, examples
        Written: a row per image; what the numbers rest on; a few phantoms with their
        reconstructions, as pixels.

    Raises
    ------
    ModelError
        If the model cannot be loaded, or is not the one that ``plan`` names.
    DataError
        If no image is left to test, or the packed images have another size.
    """
    rows = read_csv(cohort, COHORT_COLUMNS, "the cohort")[list(COHORT_COLUMNS)]
    known = read_seen(seen)
    tested = _unseen(rows, known, duplicates)
    pixels = _pixels_of(tested["md5hash"], images, image_rows, plan.size)
    rendered = all_rendered(fetch, tested["md5hash"])
    shown = groups.names if rendered else ()  # never photographs
    first = tested.groupby("group", sort=False).head(params.grid_images)
    with numerics(deterministic=True, strict=False):
        loaded = _loaded(plan, device)
        # Imported here: torchvision loads slowly.
        from tonegap.files.weights import measuring_network  # noqa: PLC0415

        perceptual = measuring_network(network, network_weights, plan.size)
        more = perception.lpips_by_name(perceptual, network_weights, device)
        kept = _kept(plan, params, network_weights if more else "", device)
        table = _measured(loaded.model, pixels, plan, params, device, more=more, kept=kept)
        originals = {name: pixels.at(first.index[first["group"] == name]) for name in shown}
        again = reconstructions(loaded.model, originals, device)
    if warning := range_warning(pixels.darkest, table.pop("darkest").min()):
        _say(f"warning: {warning}")
    write_csv(pd.concat([tested, rounded_table(table)], axis=1), per_image)
    write_examples(Examples(originals, again, rendered), examples)
    write_json(
        {
            "data": plan.data,
            "model": plan.model.model_dump(),
            "seen": {"listed": len(known), "left_out": len(rows) - len(tested)},
            "settings": {
                "images": "phantom" if rendered else "photographs",
                "groups": groups.to_mapping(),
                "group_column": group_column,
                "image_size": plan.size,
                "mse_range": "[-1, 1]",
                "jpeg_quality": params.jpeg_quality,
                "device": describe_device(device),
                "torch": torch.__version__,
            },
        },
        facts,
    )
    kept.clear()


def _unseen(rows: pd.DataFrame, known: frozenset[str], duplicates: Path) -> pd.DataFrame:
    """Leave out the images that the model was trained on, and all images of their clusters."""
    pairs = read_csv(duplicates, ["md5hash_a", "md5hash_b"], "the table of near duplicates")
    # By pairs as well, because a seen image may itself not be in the cohort.
    seen = rows["md5hash"].isin(with_copies(known, pairs))
    tested = rows[~rows["cluster"].isin(rows.loc[seen, "cluster"])]
    if tested.empty:
        raise DataError(
            f"the model was trained on all {len(rows)} images of the cohort or on copies of them, "
            "so none is left to test; audit it on other data"
        )
    return tested.reset_index(drop=True)


def _pixels_of(md5hashes: pd.Series, images: Path, image_rows: Path, size: int) -> PackedSubset:
    packed = open_packed(images)
    if packed.shape[1] != size:
        raise DataError(
            f"{images} holds images of {packed.shape[1]} px, but the audit is of {size} px; run "
            "`tonegap audit` again"
        )
    rows = read_csv(image_rows, ["row", "md5hash"], "the packed images' rows")
    return PackedSubset(packed, rows.set_index("md5hash")["row"].loc[md5hashes].to_numpy())


def _loaded(plan: AuditPlan, device: torch.device) -> Loaded:
    """Load the model and make sure that it is the one that the audit was declared for."""
    loaded = load_model(_pinned(plan), plan.size, device)
    found, wanted = loaded.identity, plan.model
    if (found.name, dict(found.weights)) != (wanted.name, wanted.weights):
        changed = [
            name for name in wanted.weights if found.weights.get(name) != wanted.weights[name]
        ]
        raise ModelError(
            f"{wanted.reference} is not the model that was declared: "
            f"{', '.join(changed) or found.name} changed; run "
            f"`tonegap audit {wanted.reference} {plan.data}` again to audit it as it is now"
        )
    return loaded


def _pinned(plan: AuditPlan) -> Reference:
    """Return the reference; one of the Hub with the commit that was found when declared."""
    reference = parse_reference(plan.model.reference)
    return replace(reference, revision=plan.model.revision) if plan.model.revision else reference


def _measured(
    model: GenerativeModel,
    pixels: PackedSubset,
    plan: AuditPlan,
    params: EvaluateParams,
    device: torch.device,
    *,
    more: Mapping[str, PairMeasure],
    kept: KeptBatches,
) -> pd.DataFrame:
    """Measure every image, batch by batch; say how far it is."""
    jpeg = JpegBaseline(params.jpeg_quality)
    # Scores that learn from the training images are not testable. Those that the model brings are
    # tried on one image.
    one = TrainingDraw.of(pixels.at(range(1)))
    setting = Setting(model, one, device, plan.batch_size, params.jpeg_quality)
    scores = fit_scores([name for name in params.scores if name in WITHOUT_DRAW], setting)

    def measure(batch: Pixels) -> pd.DataFrame:
        size = len(batch)
        errors = per_image_errors(model, batch, size, str(device), scores=scores, more=more)
        return errors.assign(mse_jpeg=reconstruction_errors(jpeg, batch, size))

    reset_peak(device)
    progress = _Progress(len(pixels.rows))
    parts = []
    for batch in pixels.batches(plan.batch_size):
        table, from_before = kept.result(pixels_sha256(batch), len(batch), partial(measure, batch))
        progress.add(len(table), from_before=from_before)
        parts.append(table)
    progress.end(device)
    return pd.concat(parts, ignore_index=True)


def _kept(plan: AuditPlan, params: EvaluateParams, lpips: str, device: torch.device) -> KeptBatches:
    """Return the place of this audit's batches: everything but the pixels names it."""
    facts: dict[str, Any] = {
        "model": plan.model.model_dump(),
        "batch_size": plan.batch_size,
        "jpeg_quality": params.jpeg_quality,
        "scores": list(params.scores),
        "lpips": lpips,
        "device": describe_device(device),
        "torch": torch.__version__,
        "source": _source_sha256(),
    }
    return KeptBatches(user_cache() / "audits" / run_key(facts))


def _source_sha256() -> str:
    """Hash the package: a batch that other code measured is measured again."""
    digest = hashlib.sha256()
    for path in sorted(Path(tonegap.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


class _Progress:
    """Says how many images are done, every few seconds."""

    def __init__(self, images: int) -> None:
        self._images = images
        self._done = self._computed = 0
        self._started = self._said = time.monotonic()

    def add(self, count: int, *, from_before: bool) -> None:
        self._done += count
        self._computed += 0 if from_before else count
        now = time.monotonic()
        if now - self._said >= _SAID_EVERY_S:
            self._said = now
            _say(f"{self._done:,} of {self._images:,} images, {self._rate(now):.1f} images/s")

    def end(self, device: torch.device) -> None:
        now = time.monotonic()
        kept = self._done - self._computed
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB / _GIGA
        gpu = peak_bytes(device) / _GIGA
        _say(
            f"{self._images:,} images"
            + (f", {kept:,} of them kept from an interrupted run" if kept else "")
            + f", in {now - self._started:.1f} s: {self._rate(now):.1f} images/s, "
            + f"{memory:.1f} GB of memory at most"
            + (f", {gpu:.1f} GB of GPU memory" if gpu else "")
        )

    def _rate(self, now: float) -> float:
        return self._computed / max(now - self._started, 1e-9)


def _say(message: str) -> None:
    print(f"tonegap assess: {message}", file=sys.stderr, flush=True)  # noqa: T201  its own words
