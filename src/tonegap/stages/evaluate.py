"""Stage ``evaluate``: reconstruct the test sets and compare the groups."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import UInt8

from tonegap.assessment import (
    PairMeasure,
    condition_table,
    per_image_errors,
    range_warning,
    reconstructed,
    reconstruction_errors,
    reconstructions,
    summary,
)
from tonegap.collapse import collapse_warning, is_collapsed
from tonegap.contact_sheet import contact_sheet
from tonegap.digits import json_value, rounded_table
from tonegap.examples import Examples
from tonegap.fidelity import perception
from tonegap.files.atomic import replacing
from tonegap.files.examples import write_examples
from tonegap.files.finished_model import assessed_model
from tonegap.files.packed import open_packed
from tonegap.files.panel import write_panel
from tonegap.files.rendered import all_rendered
from tonegap.files.tables import read_csv, write_csv, write_json
from tonegap.generation import assess
from tonegap.generation.assess import Generation, Real, assess_generation
from tonegap.groups import Groups
from tonegap.model.baselines import JpegBaseline, PcaBaseline
from tonegap.model.objective import mse_01
from tonegap.model.perceptual import FeatureNetwork
from tonegap.model.pixels import to_model_range
from tonegap.model.protocol import GenerativeModel, Reconstructor
from tonegap.params import EvaluateParams, PerceptualNetwork
from tonegap.sampling.crossing import crossings
from tonegap.sampling.diversity import training_sizes
from tonegap.sampling.panel import PANEL_COLUMNS
from tonegap.statistics.tone_slope import tone_slopes
from tonegap.tables import COHORT_COLUMNS
from tonegap.training.precision import numerics
from tonegap.uncertainty.ensemble import Panel
from tonegap.uncertainty.setting import Setting, TrainingDraw
from tonegap.uncertainty.sketch import sketch
from tonegap.uncertainty.table import fit_scores

_PCA_SEED = 0


@dataclass(frozen=True)
class _Sets:
    """The images of one run.

    Attributes
    ----------
    facts : DataFrame
        One row per test image: the columns of the cohort.
    test, train, panel : uint8 [n, size, size, 3]
        Pixels of the test images, in the order of ``facts``, of the training draw, and of the
        panel.
    panel_names
        The images of the panel.
    training : mapping of group to counts
        As of :func:`~tonegap.sampling.diversity.training_sizes`.
    crossing : mapping
        As of :func:`~tonegap.sampling.crossing.crossings`.
    """

    facts: pd.DataFrame
    test: UInt8[np.ndarray, "images size size 3"]
    train: UInt8[np.ndarray, "draws size size 3"]
    panel: UInt8[np.ndarray, "members size size 3"]
    panel_names: tuple[str, ...]
    training: Mapping[str, Mapping[str, int]]
    crossing: Mapping[str, int]


def run(
    *,
    images: Path,
    image_rows: Path,
    cohort: Path,
    split: Path,
    panel: Path,
    fetch: Path,
    weights: Path,
    params: EvaluateParams,
    groups: Groups,
    device: torch.device,
    network: PerceptualNetwork,
    network_weights: str,
    settings: Mapping[str, Any],
    per_image: Path,
    evaluation: Path,
    conditions: Path,
    examples: Path,
    panel_sketches: Path,
    generation: Path,
    plots: Path,
) -> None:
    """Assess the model on the test sets.

    Parameters
    ----------
    images, image_rows, cohort, split, panel, fetch
        Packed pixels and the tables that describe them.
    weights
        The trained model; not read if ``params.model`` names another.
    params
        The section ``evaluate``.
    groups
        The groups; the gap is that of the compared pair.
    device
        Where the model runs.
    network, network_weights
        The perceptual network, ``train.perceptual_network`` and ``train.perceptual_weights``. LPIPS
        is measured if it is a trained SqueezeNet; samples are compared by its features.
    settings
        Other settings that change the meaning of the numbers; copied into ``evaluation``.
    per_image, evaluation, conditions
        Written: a row per test image; means by group and gaps; means
        by condition and group.
    examples
        Written: a few originals with their reconstructions, as pixels.
    panel_sketches
        Written: sketches of the panel's reconstructions, for ensembles.
    generation
        Written: a row per sampler; none without ``params.samples``.
    plots
        Written: a folder with the conditions side by side and, if tonegap rendered every
        image itself, pictures of the reconstructions and of samples.

    Raises
    ------
    ModelError
        If the model cannot be loaded.
    WeightsError
        If the perceptual network's weights are not available.
    """
    sets = _read_sets(images, image_rows, cohort, split, panel)
    rendered = all_rendered(fetch, sets.facts["md5hash"])
    # GPUs would round the factors of convolutions to 10 bits (TF32), which PyTorch calls float32
    # too. A user's model may use what has no deterministic form: that is warned of.
    with numerics(deterministic=True, strict=False):
        model, facts = assessed_model(params.model, weights, sets.test.shape[1], device)
        baselines: dict[str, Reconstructor] = {
            name: _baseline(name, sets.train, params) for name in params.baselines
        }
        perceptual = _perceptual(network, network_weights, params.samples, sets.test.shape[1])
        lpips = perception.lpips_by_name(perceptual, network_weights, device)
        assessed = _assess(model, sets, baselines, params, device, more=lpips)
        generated = _generation(
            model, sets, groups, perceptual, params, seed=int(settings["seed"]), device=device
        )
        table = rounded_table(pd.concat([assessed, generated.per_image], axis=1))
        members = _sketched(model, sets, params.batch_size, device)
        originals = _first_of_each_group(sets, groups, params.grid_images)
        shown = Examples(originals, reconstructions(model, originals, device), rendered)
    _warn(range_warning(int(sets.test.min(initial=255)), table.pop("darkest").min()))
    collapsed = is_collapsed(table["sigma"])
    _warn(collapse_warning(int(collapsed), of=1))
    by_condition = condition_table(table)
    described = {
        "images": "phantom" if rendered else "photographs",
        "groups": groups.to_mapping(),
        **settings,
        "mse_range": "[-1, 1]",
        "training": sets.training,
        "posterior_collapsed": collapsed,
        "jpeg_quality": params.jpeg_quality,
        **_as_fitted(baselines),
        "samples": _sample_facts(generated, params.samples, network, network_weights),
        **facts,
    }
    write_csv(table, per_image)
    write_csv(rounded_table(by_condition), conditions)
    means = _in_both_ranges(summary(table, groups)) | {"tone_slope": tone_slopes(table, groups)}
    crossing = {"crossing": sets.crossing}
    write_json({**json_value(means), **crossing, "settings": described}, evaluation)
    write_examples(shown, examples)
    write_panel(members, panel_sketches)
    write_csv(rounded_table(generated.table), generation)
    write_csv(rounded_table(_side_by_side(by_condition, groups)), plots / "conditions.csv")
    if rendered:
        _draw_examples(shown, described, plots / "reconstructions.png")
        _draw_samples(generated, params.grid_images, described, plots / "samples.png")


def _read_sets(images: Path, image_rows: Path, cohort: Path, split: Path, panel: Path) -> _Sets:
    packed = open_packed(images)
    rows = read_csv(image_rows, ["row", "md5hash"], "the packed images' rows")
    row_of = rows.set_index("md5hash")["row"]
    draws = read_csv(split, ["role", "group", "md5hash"], "the split")
    chosen = {
        role: draws.loc[draws["role"] == role, "md5hash"].tolist() for role in ("test", "train")
    }
    members = tuple(read_csv(panel, PANEL_COLUMNS, "the panel")["md5hash"])
    facts = read_csv(cohort, COHORT_COLUMNS, "the cohort").set_index("md5hash")
    return _Sets(
        facts=facts.loc[chosen["test"]].reset_index()[list(COHORT_COLUMNS)],
        test=np.asarray(packed[row_of.loc[chosen["test"]].to_numpy()]),
        train=np.asarray(packed[row_of.loc[chosen["train"]].to_numpy()]),
        panel=np.asarray(packed[row_of.loc[list(members)].to_numpy()]),
        panel_names=members,
        training=training_sizes(draws),
        crossing=crossings(draws, facts.reset_index()),
    )


def _in_both_ranges(means: dict[str, dict[str, float | None]]) -> dict[str, Any]:
    """Add the MSE of the same images in [0, 1] to that of images in [-1, 1], under its own name."""
    in_01 = {
        group: None if value is None else mse_01(value) for group, value in means["mse"].items()
    }
    return {"mse": means["mse"], "mse_01": in_01, **means}


def _assess(
    model: GenerativeModel,
    sets: _Sets,
    baselines: Mapping[str, Reconstructor],
    params: EvaluateParams,
    device: torch.device,
    *,
    more: Mapping[str, PairMeasure],
) -> pd.DataFrame:
    batch_size, quality = params.batch_size, params.jpeg_quality
    setting = Setting(model, TrainingDraw.of(sets.train), device, batch_size, quality)
    scores = fit_scores(params.scores, setting)
    errors = per_image_errors(model, sets.test, batch_size, str(device), scores=scores, more=more)
    of_baselines = {
        f"mse_{name}": reconstruction_errors(baseline, sets.test, batch_size)
        for name, baseline in baselines.items()
    }
    return pd.concat([sets.facts, errors], axis=1).assign(**of_baselines)


def _sketched(model: GenerativeModel, sets: _Sets, batch_size: int, device: torch.device) -> Panel:
    """Reconstruct the panel and sketch the pictures."""
    starts = range(0, len(sets.panel), batch_size)
    parts = [to_model_range(sets.panel[n : n + batch_size]).to(device) for n in starts]
    sketches = [sketch(reconstructed(model, part).cpu().numpy()) for part in parts]
    n_values = math.prod(sets.test.shape[1:])
    rows = np.concatenate(sketches) if sketches else np.empty((0, 0), dtype=np.float16)
    return Panel(sets.panel_names, rows, n_values)


def _perceptual(
    network: PerceptualNetwork, weights: str, samples: int, image_size: int
) -> FeatureNetwork | None:
    """Return the perceptual network, if something is measured with it."""
    # Imported here: torchvision loads slowly.
    from tonegap.files.weights import measuring_network  # noqa: PLC0415

    return measuring_network(network, weights, image_size, needed=samples > 0)


def _generation(
    model: GenerativeModel,
    sets: _Sets,
    groups: Groups,
    network: FeatureNetwork | None,
    params: EvaluateParams,
    *,
    seed: int,
    device: torch.device,
) -> Generation:
    """Assess samples, if any are wanted; the mixes of a seed share the noise of their draws."""
    if not params.samples or network is None:
        return assess.NOTHING
    return assess_generation(
        model,
        Real(sets.test, sets.train, sets.facts),
        groups,
        network,
        count=params.samples,
        seed=seed,
        batch_size=params.batch_size,
        device=device,
    )


def _sample_facts(
    generated: Generation, count: int, network: PerceptualNetwork, weights: str
) -> dict[str, Any]:
    """Return what numbers about samples rest on, and why a sampler is not there."""
    if not count:
        return {"count": 0}
    from tonegap.files.weights import weights_label  # noqa: PLC0415 - torchvision loads slowly

    label = weights_label(network, weights)
    return {"count": count, "features": label, "absent": dict(generated.absent)}


def _baseline(
    name: str, train: UInt8[np.ndarray, "draws size size 3"], params: EvaluateParams
) -> Reconstructor:
    if name == "pca":
        return PcaBaseline(train, params.pca_components, _PCA_SEED)
    return JpegBaseline(params.jpeg_quality)


def _as_fitted(baselines: Mapping[str, Reconstructor]) -> dict[str, int]:
    """Return the number of PCA components, if any: a small draw supports fewer than requested."""
    pca = baselines.get("pca")
    return {"pca_components": pca.components} if isinstance(pca, PcaBaseline) else {}


def _first_of_each_group(sets: _Sets, groups: Groups, count: int) -> dict[str, np.ndarray]:
    group = sets.facts["group"]
    return {name: sets.test[(group == name).to_numpy()][:count] for name in groups.names}


def _warn(problem: str) -> None:
    if problem:
        print(f"tonegap evaluate: warning: {problem}", file=sys.stderr)  # noqa: T201  its own words


def _side_by_side(by_condition: pd.DataFrame, groups: Groups) -> pd.DataFrame:
    """Return one row per condition that both compared groups have, for a scatter plot."""
    names = dict(zip(groups.pair, ("reference", "compared"), strict=True))
    compared = by_condition[by_condition["group"].isin(groups.pair)]
    wide = compared.assign(group=compared["group"].map(names)).pivot_table(
        index=["level", "label"], columns="group", values=["n", "mse"], sort=True
    )
    wide.columns = ["_".join(pair) for pair in wide.columns]
    columns = ["mse_compared", "mse_reference", "n_compared", "n_reference"]
    both = wide.reindex(columns=columns).dropna()
    return both.astype({"n_reference": "int64", "n_compared": "int64"}).reset_index()


def _draw_examples(shown: Examples, settings: Mapping[str, Any], path: Path) -> None:
    rows = {}
    for name, pixels in shown.originals.items():
        rows[f"{name}, original"] = pixels
        rows[f"{name}, reconstruction"] = shown.reconstructions[name]
    caption = f"Phantoms; trained on mix {settings['mix']}, seed {settings['seed']}"
    if any(pixels.size for pixels in rows.values()):
        with replacing(path) as temporary:
            contact_sheet(rows, caption).save(temporary)


def _draw_samples(
    generated: Generation, count: int, settings: Mapping[str, Any], path: Path
) -> None:
    """Draw the first samples of phantoms, two rows of reconstructions wide."""
    rows = {name: pixels[: 2 * count] for name, pixels in generated.pictures.items()}
    caption = f"Samples of phantoms; trained on mix {settings['mix']}, seed {settings['seed']}"
    if any(pixels.size for pixels in rows.values()):
        with replacing(path) as temporary:
            contact_sheet(rows, caption).save(temporary)
