"""What the embedded phantoms plant, in percent: measured, not declared.

A recipe sets melanin, texture, shading and conditions, not errors. What these do to a model's error
is measured on the phantoms themselves, with PCA as the reference model: the study's own contrasts
over many more draws than a study has. Every test phantom is also rendered with the melanin of the
other group, and with nothing else changed. The difference between the twins is what tone alone does
to the error.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float64, UInt8
from PIL import Image

from tonegap.assessment import reconstruction_errors
from tonegap.framing import centre_square
from tonegap.model.baselines import PcaBaseline
from tonegap.phantom.mixtures import MELANIN_OF_FST
from tonegap.phantom.render import render_jpeg
from tonegap.phantom.spec import PhantomSpec, parse_url

SCHEMA: Final = "tonegap-planted-1"
SHARES: Final = (0.0, 0.5, 1.0)
WORDS: Final[Mapping[str, str]] = {
    "own share": "The groups differ in melanin, texture and conditions, so that a model "
    "reconstructs a group better the more of it it trained on.",
    "gap": "Dark phantoms have rougher texture (0.09 to 0.22) and stronger shading (0.2 to 0.6), "
    "which are harder to reconstruct.",
}
_BATCH: Final = 4096
_BOTH_ENDS: Final = 7  # 7 - fst is the type at the other end of the scale


@dataclass(frozen=True)
class Design:
    """How the truth is measured.

    Attributes
    ----------
    image_size
        Side of the images, pixels.
    n_train, components
        Draws of each training, and components of PCA.
    repeats
        Random halves of the phantoms: one is drawn from for training, the other is tested.
    """

    image_size: int
    n_train: int
    components: int
    repeats: int = 40


def measure_planted(phantoms: pd.DataFrame, design: Design, seed: int = 0) -> list[dict[str, Any]]:
    """Measure the effects that a cohort of phantoms plants.

    Parameters
    ----------
    phantoms
        ``url`` and ``group`` (``light`` or ``dark``) of each; others are left out.
    design
        Sizes of the measurement.
    seed
        Seed of halves and draws.

    Returns
    -------
    list of dict
        ``effect``, ``contrast`` and ``metric`` as in report/claims.json; ``planted``, in words;
        ``percent``, 100 (exp(x) - 1) of the contrast of log MSE, with its Monte Carlo error
        ``percent_se``; and ``melanin_percent``, what the twins say that tone alone does.
    """
    rows = phantoms[phantoms["group"].isin(("light", "dark"))]
    dark = (rows["group"] == "dark").to_numpy()
    specs = [parse_url(str(url)) for url in rows["url"]]
    own = _render(specs, design.image_size)
    twins = _render([other_melanin(spec) for spec in specs], design.image_size)
    rng = np.random.default_rng(seed)
    gaps = np.array([_gaps(own, twins, dark, design, rng) for _ in range(design.repeats)])
    return [
        _effect("gap", "gap_overall", gaps.mean(axis=1)),
        _effect("own share", "own_share_effect", (gaps[:, -1] - gaps[:, 0]) / 2.0),
    ]


def other_melanin(spec: PhantomSpec) -> PhantomSpec:
    """Return the same phantom with the melanin of the type at the other end of the scale.

    The place within the type's range is kept.
    """
    fst = max(fst for fst, (low, _) in MELANIN_OF_FST.items() if spec.melanin >= low or fst == 1)
    low, high = MELANIN_OF_FST[fst]
    there, end = MELANIN_OF_FST[_BOTH_ENDS - fst]
    place = min((spec.melanin - low) / (high - low), 1.0)
    return replace(spec, melanin=there + place * (end - there))


def _gaps(
    own: UInt8[np.ndarray, "images size size 3"],
    twins: UInt8[np.ndarray, "images size size 3"],
    dark: Bool[np.ndarray, " images"],
    design: Design,
    rng: np.random.Generator,
) -> Float64[np.ndarray, "shares 2"]:
    """Return the gap of log MSE for each dark share, and the part of melanin."""
    test = rng.random(len(dark)) < 0.5  # noqa: PLR2004 - one half
    light_pool, dark_pool = np.flatnonzero(~test & ~dark), np.flatnonzero(~test & dark)
    found = []
    for share in SHARES:
        of_dark = round(share * design.n_train)
        draw = np.concatenate(
            (rng.choice(light_pool, design.n_train - of_dark), rng.choice(dark_pool, of_dark))
        )
        model = PcaBaseline(own[draw], design.components, seed=0)
        error = np.log(reconstruction_errors(model, own[test], _BATCH))
        twin = np.log(reconstruction_errors(model, twins[test], _BATCH))
        is_dark = dark[test]
        darker = np.where(is_dark, error - twin, twin - error)
        gap = error[is_dark].mean() - error[~is_dark].mean()
        found.append((gap, (darker[is_dark].mean() + darker[~is_dark].mean()) / 2.0))
    return np.array(found)


def _effect(effect: str, contrast: str, values: Float64[np.ndarray, "repeats 2"]) -> dict[str, Any]:
    whole, melanin = values.mean(axis=0)
    error = values[:, 0].std(ddof=1) / np.sqrt(len(values))
    return {
        "effect": effect,
        "contrast": contrast,
        "metric": "log_mse",
        "planted": WORDS[effect],
        "percent": _percent(whole),
        "percent_se": 100.0 * float(np.exp(whole) * error),
        "melanin_percent": _percent(melanin),
    }


def _percent(log_ratio: float) -> float:
    return 100.0 * float(np.expm1(log_ratio))


def _render(
    specs: Sequence[PhantomSpec], image_size: int
) -> UInt8[np.ndarray, "images size size 3"]:
    return np.stack(
        [
            centre_square(Image.open(io.BytesIO(render_jpeg(spec))).convert("RGB"), image_size)
            for spec in specs
        ]
    )
