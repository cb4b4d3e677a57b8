"""Stage ``evaluate``: reconstruct the two test sets and compare the groups."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import UInt8
from torch import Tensor

from tonegap.assessment import (
    condition_table,
    per_image_errors,
    reconstructed,
    reconstruction_errors,
    summary,
    to_model_range,
)
from tonegap.contact_sheet import contact_sheet
from tonegap.files import layout
from tonegap.files.assessed import assessed_model
from tonegap.files.atomic import replacing
from tonegap.files.examples import Examples, write_examples
from tonegap.files.packed import open_packed
from tonegap.files.parameters import read_params
from tonegap.files.tables import read_csv, write_csv, write_json
from tonegap.model.baselines import JpegBaseline, PcaBaseline
from tonegap.model.objective import mse_01
from tonegap.model.protocol import GenerativeModel, Reconstructor
from tonegap.params import EvaluateParams, Params
from tonegap.training.precision import choose_arithmetic, numerics

_COHORT_COLUMNS = (
    "md5hash",
    "group",
    "fst",
    "label_fine",
    "label_middle",
    "label_coarse",
    "source",
    "cluster",
)
_PCA_SEED = 0
_DARK = 64  # of 8-bit values
_MIDDLE = -1.0 / 127.5  # in [-1, 1]: middle grey but for rounding to 8 bits


@dataclass(frozen=True)
class _Sets:
    """The images of one run.

    Attributes
    ----------
    facts : DataFrame
        One row per test image: md5hash, group, fst, labels, source, cluster.
    test, train : uint8 [n, size, size, 3]
        Pixels of the test images, in the order of ``facts``, and of the training draw.
    """

    facts: pd.DataFrame
    test: UInt8[np.ndarray, "images size size 3"]
    train: UInt8[np.ndarray, "draws size size 3"]


def run(
    *,
    images: Path,
    image_rows: Path,
    cohort: Path,
    split: Path,
    fetch: Path,
    weights: Path,
    params: EvaluateParams,
    device: torch.device,
    settings: Mapping[str, Any],
    per_image: Path,
    evaluation: Path,
    conditions: Path,
    examples: Path,
    plots: Path,
) -> None:
    """Assess the model on both test sets.

    Parameters
    ----------
    images, image_rows, cohort, split, fetch
        Packed pixels and the tables that say whose they are.
    weights
        The trained model; not read where ``params.model`` names another.
    params
        The section ``evaluate``.
    device
        Where the model runs.
    settings
        What else changes the meaning of the numbers; copied into ``evaluation``.
    per_image, evaluation, conditions
        Written: a row per test image; means by group and gaps (dark minus light); means
        by condition and group.
    examples
        Written: a few originals with their reconstructions, as pixels.
    plots
        Written: a folder with the conditions side by side and, where tonegap rendered
        every image itself, a picture of the reconstructions.

    Raises
    ------
    ModelError
        If the model cannot be loaded.
    """
    sets = _read_sets(images, image_rows, cohort, split)
    rendered = _all_rendered(fetch, sets.facts["md5hash"])
    # GPUs would round the factors of convolutions to 10 bits (TF32), which PyTorch calls float32
    # too. A user's model may use what has no deterministic form: that is warned of.
    with numerics(deterministic=True, strict=False):
        model, facts = assessed_model(params.model, weights, sets.test.shape[1], device)
        baselines: dict[str, Reconstructor] = {
            name: _baseline(name, sets.train, params) for name in params.baselines
        }
        table = _assess(model, sets, baselines, params.batch_size, device)
        shown = _examples(model, sets, params.grid_images, device, rendered=rendered)
    _warn_of_another_range(sets.test, table.pop("darkest"))
    by_condition = condition_table(table)
    described = {
        "images": "phantom" if rendered else "photographs",
        **settings,
        **_as_fitted(baselines),
        **facts,
    }
    write_csv(table, per_image)
    write_csv(by_condition, conditions)
    write_json({**_in_both_ranges(summary(table)), "settings": described}, evaluation)
    write_examples(shown, examples)
    write_csv(_side_by_side(by_condition), plots / "conditions.csv")
    if rendered:
        _draw_examples(shown, described, plots / "reconstructions.png")


def from_workspace() -> None:
    """Run the stage on the repository's own files."""
    params = read_params()
    run(
        images=layout.IMAGES,
        image_rows=layout.IMAGE_ROWS,
        cohort=layout.COHORT,
        split=layout.SPLIT,
        fetch=layout.FETCH,
        weights=layout.WEIGHTS,
        params=params.evaluate,
        device=choose_arithmetic(params.train.device, "float32").device,
        settings=_settings(params),
        per_image=layout.PER_IMAGE,
        evaluation=layout.EVALUATION,
        conditions=layout.CONDITIONS,
        examples=layout.EXAMPLES,
        plots=layout.EVALUATE_PLOTS,
    )


def _settings(params: Params) -> dict[str, Any]:
    return {
        "mix": params.data.mix,
        "dark_share": params.dark_share,
        "seed": params.data.seed,
        "group_definition": params.filter.group,
        "mse_range": "[-1, 1]",
        "pca_components": params.evaluate.pca_components,
        "jpeg_quality": params.evaluate.jpeg_quality,
    }


def _read_sets(images: Path, image_rows: Path, cohort: Path, split: Path) -> _Sets:
    packed = open_packed(images)
    rows = read_csv(image_rows, ["row", "md5hash"], "the packed images' rows")
    row_of = rows.set_index("md5hash")["row"]
    draws = read_csv(split, ["role", "md5hash"], "the split")
    chosen = {
        role: draws.loc[draws["role"] == role, "md5hash"].tolist() for role in ("test", "train")
    }
    facts = read_csv(cohort, _COHORT_COLUMNS, "the cohort").set_index("md5hash")
    return _Sets(
        facts=facts.loc[chosen["test"]].reset_index()[list(_COHORT_COLUMNS)],
        test=np.asarray(packed[row_of.loc[chosen["test"]].to_numpy()]),
        train=np.asarray(packed[row_of.loc[chosen["train"]].to_numpy()]),
    )


def _in_both_ranges(means: dict[str, dict[str, float | None]]) -> dict[str, Any]:
    """Put beside the MSE of images in [-1, 1] that of the same images in [0, 1], by its name."""
    in_01 = {
        group: None if value is None else mse_01(value) for group, value in means["mse"].items()
    }
    return {"mse": means["mse"], "mse_01": in_01, **means}


def _assess(
    model: GenerativeModel,
    sets: _Sets,
    baselines: Mapping[str, Reconstructor],
    batch_size: int,
    device: torch.device,
) -> pd.DataFrame:
    errors = per_image_errors(model, sets.test, batch_size, str(device))
    of_baselines = {
        f"mse_{name}": reconstruction_errors(baseline, sets.test, batch_size)
        for name, baseline in baselines.items()
    }
    return pd.concat([sets.facts, errors], axis=1).assign(**of_baselines)


def _baseline(
    name: str, train: UInt8[np.ndarray, "draws size size 3"], params: EvaluateParams
) -> Reconstructor:
    if name == "pca":
        return PcaBaseline(train, params.pca_components, _PCA_SEED)
    return JpegBaseline(params.jpeg_quality)


def _as_fitted(baselines: Mapping[str, Reconstructor]) -> dict[str, int]:
    """Tell the components that the PCA baseline has: a small draw supports fewer than asked."""
    pca = baselines.get("pca")
    return {"pca_components": pca.components} if isinstance(pca, PcaBaseline) else {}


def _all_rendered(fetch: Path, md5hashes: pd.Series) -> bool:
    """Whether tonegap drew every image itself: only then may a picture be committed."""
    status = read_csv(fetch, ["md5hash", "status"], "the fetch table").set_index("md5hash")
    return bool((status.loc[md5hashes, "status"] == "rendered").all())


def _examples(
    model: GenerativeModel, sets: _Sets, count: int, device: torch.device, *, rendered: bool
) -> Examples:
    pixels = {
        group: sets.test[(sets.facts["group"] == group).to_numpy()][:count]
        for group in ("light", "dark")
    }
    again = {
        group: _pixels(reconstructed(model, to_model_range(originals).to(device)))
        if len(originals)
        else originals
        for group, originals in pixels.items()
    }
    return Examples(
        light=pixels["light"],
        reconstructed_light=again["light"],
        dark=pixels["dark"],
        reconstructed_dark=again["dark"],
        rendered=np.array(rendered),
    )


def _warn_of_another_range(
    test: UInt8[np.ndarray, "images size size 3"], darkest: pd.Series
) -> None:
    """Say where reconstructions look like values in [0, 1]: every error would be wrong."""
    if test.size and test.min() < _DARK and darkest.min() >= _MIDDLE:
        print(  # noqa: T201 - the stage's own words
            "tonegap evaluate: warning: no image is reconstructed darker than middle grey, "
            "though originals are; a model of images in [0, 1] must map them to [-1, 1]",
            file=sys.stderr,
        )


def _pixels(images: Tensor) -> UInt8[np.ndarray, "batch height width 3"]:
    """Map images in [-1, 1] to 8-bit RGB, channels last."""
    scaled = ((images.float().cpu() + 1.0) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return scaled.permute(0, 2, 3, 1).contiguous().numpy()


def _side_by_side(by_condition: pd.DataFrame) -> pd.DataFrame:
    """One row per condition with both groups, to plot dark against light."""
    wide = by_condition.pivot_table(
        index=["level", "label"], columns="group", values=["n", "mse"], sort=True
    ).dropna()
    wide.columns = ["_".join(pair) for pair in wide.columns]
    return wide.astype({"n_light": "int64", "n_dark": "int64"}).reset_index()


def _draw_examples(shown: Examples, settings: Mapping[str, Any], path: Path) -> None:
    rows = {
        "light, original": shown.light,
        "reconstruction": shown.reconstructed_light,
        "dark, original": shown.dark,
        "reconstruction ": shown.reconstructed_dark,
    }
    caption = f"Phantoms; trained on mix {settings['mix']}, seed {settings['seed']}"
    if shown.light.size or shown.dark.size:
        with replacing(path) as temporary:
            contact_sheet(rows, caption).save(temporary)
