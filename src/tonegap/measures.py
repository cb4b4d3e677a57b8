"""What is measured: one row per measure of an image, one per uncertainty score.

Evaluation, metrics, collected tables, figures, statistics (slopes and gaps of every measure of an
image; the scorecard of every score) and the report read these tables. A new measure is one row here
and one function in :mod:`tonegap.assessment`; a new score one row here and one module in
:mod:`tonegap.uncertainty`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True)
class Measure:
    """A measure of how well an image is reconstructed, or covered by samples.

    Attributes
    ----------
    name
        Column of the per-image table and key of metrics/evaluate.json.
    words
        What people call it, for axes, tables and sentences.
    unit
        Unit or range of the values, as shown behind the words; may be empty.
    bounds
        Smallest and largest value that is possible.
    better
        Whether ``lower`` or ``higher`` values mean a better reconstruction; ``zero`` for a signed
        shift, of which 0 is faithful.
    per_image
        Whether the model under assessment gives it, image by image; false where a baseline does.
    needs
        What must be there for the measure to exist; empty if nothing.
    """

    name: str
    words: str
    unit: str
    bounds: tuple[float, float]
    better: Literal["lower", "higher", "zero"]
    per_image: bool
    needs: str = ""

    @property
    def axis(self) -> str:
        """Title of an axis."""
        return f"{self.words}, {self.unit}" if self.unit else self.words


@dataclass(frozen=True)
class Score:
    """A score that is meant to warn of large errors; higher values mean less certain.

    Attributes
    ----------
    name, words, unit, bounds
        As of :class:`Measure`.
    needs
        What must be there for the score to exist; empty for a score that knows no model.
    by
        What computes it: a name of ``evaluate.scores``; ``sigma``, which every run has; or
        ``ensemble``, which `study collect` adds.
    cost
        What it costs beyond the reconstruction; figures are in docs/uncertainty.md.
    """

    name: str
    words: str
    unit: str
    bounds: tuple[float, float]
    needs: str
    by: str
    cost: str

    @property
    def axis(self) -> str:
        """Title of an axis."""
        return f"{self.words}, {self.unit}" if self.unit else self.words


_PIXELS = "[\N{MINUS SIGN}1, 1] range"
_ANY_SIZE = (0.0, math.inf)
_POSTERIOR = "a model with a posterior"
_VAE = "a VAE that tonegap trained"
_ANGLES = (-180.0, 180.0)
_LIGHTNESSES = (-100.0, 100.0)
_DELTA_E = "CIEDE2000"
_TO_REAL = "log ratio"

MEASURES: Final = (
    Measure("mse", "MSE", _PIXELS, (0.0, math.inf), "lower", per_image=True),
    Measure("nmse", "NMSE", "", (0.0, math.inf), "lower", per_image=True),
    Measure("ssim", "SSIM", "", (-1.0, 1.0), "higher", per_image=True),
    Measure(
        *("lpips_squeeze", "LPIPS", "SqueezeNet", (0.0, math.inf), "lower"),
        per_image=True,
        needs="trained features of squeezenet1_1",
    ),
    Measure("delta_e", "Colour difference", _DELTA_E, (0.0, math.inf), "lower", per_image=True),
    Measure(
        *("delta_e_skin", "Colour difference of skin", _DELTA_E, (0.0, math.inf), "lower"),
        per_image=True,
    ),
    Measure("ita_shift", "Tone shift", "degrees of ITA", _ANGLES, "zero", per_image=True),
    Measure(
        *("ita_shift_skin", "Tone shift of skin", "degrees of ITA", _ANGLES, "zero"),
        per_image=True,
    ),
    Measure("l_shift", "Lightness shift", "L*", _LIGHTNESSES, "zero", per_image=True),
    Measure(
        *("l_shift_skin", "Lightness shift of skin", "L*", _LIGHTNESSES, "zero"), per_image=True
    ),
    Measure(
        "sample_distance_prior",
        "Sample distance (prior)",
        _TO_REAL,
        (-math.inf, math.inf),
        "lower",
        per_image=True,
        needs="samples of the prior, evaluate.samples",
    ),
    Measure(
        "sample_distance_fitted",
        "Sample distance (fitted)",
        _TO_REAL,
        (-math.inf, math.inf),
        "lower",
        per_image=True,
        needs="samples of an encoded and decoded latent, evaluate.samples",
    ),
    Measure("mse_pca", "MSE of PCA", _PIXELS, (0.0, math.inf), "lower", per_image=False),
    Measure("mse_jpeg", "MSE of JPEG", _PIXELS, (0.0, math.inf), "lower", per_image=False),
)
"""Measures in the order in which documents list them."""

SCORES: Final = (
    Score(
        "sigma",
        "Sigma",
        "mean posterior standard deviation",
        _ANY_SIZE,
        needs=_POSTERIOR,
        by="sigma",
        cost="none: it comes with the reconstruction",
    ),
    Score(
        "u_kl",
        "KL",
        "nats",
        _ANY_SIZE,
        needs=_POSTERIOR,
        by="kl",
        cost="none: it comes with the reconstruction",
    ),
    Score(
        "u_latent_knn",
        "Latent 5-NN distance",
        "",
        _ANY_SIZE,
        needs=_POSTERIOR,
        by="latent_knn",
        cost="encoding the training draw once",
    ),
    Score(
        "u_last_layer_laplace",
        "Last-layer Laplace",
        "",
        _ANY_SIZE,
        needs=f"{_VAE} that ends in a convolution `to_image` and a tanh",
        by="last_layer_laplace",
        cost="reconstructing the training draw once; products of patches",
    ),
    Score(
        "u_decoder_laplace",
        "Decoder Laplace",
        "",
        _ANY_SIZE,
        needs=_VAE,
        by="decoder_laplace",
        cost="256 gradients of the decoder, held at once; four gradients per image",
    ),
    Score(
        "u_decoder_laplace_diagonal",
        "Decoder Laplace, diagonal",
        "",
        _ANY_SIZE,
        needs=_VAE,
        by="decoder_laplace",
        cost="none beyond the decoder Laplace",
    ),
    Score(
        "u_ensemble",
        "Ensemble variance",
        _PIXELS,
        _ANY_SIZE,
        needs="three models of the same mix that did not train on the image or a copy of it",
        by="ensemble",
        cost="reconstructing the study's other test images in every run",
    ),
    Score(
        "u_pixel_knn",
        "Pixel 5-NN distance",
        "16 x 16 pixels",
        _ANY_SIZE,
        needs="",
        by="pixel_knn",
        cost="shrinking the training draw once",
    ),
    Score(
        "u_colour_distance",
        "Colour distance",
        "Mahalanobis",
        _ANY_SIZE,
        needs="",
        by="colour_distance",
        cost="the mean colours of the training draw",
    ),
    Score(
        "u_jpeg_bytes",
        "JPEG bytes",
        "",
        _ANY_SIZE,
        needs="",
        by="jpeg_bytes",
        cost="compressing the image",
    ),
    Score(
        "u_darkness",
        "Darkness",
        "0 white, 1 black",
        (0.0, 1.0),
        needs="",
        by="darkness",
        cost="the mean of the image",
    ),
)
"""Uncertainty scores: the paper's sigma, those of the model, then those that know no model."""

OWN_SCORE: Final = re.compile(r"u_[a-z][a-z0-9_]*")
"""Columns of scores: those above, and those that a user's own model brings."""

COLUMNS: Final = tuple(row.name for row in (*MEASURES, *SCORES))
"""Columns of the per-image table that hold measures and scores."""
