"""Simulated study tables whose conditions and sources go with the group."""

from __future__ import annotations

import numpy as np
import pandas as pd

MIXES = (("light", 0.0), ("mixed", 0.5), ("dark", 1.0))


def draw_confounded(
    rng: np.random.Generator,
    *,
    tone: float = 0.0,
    condition: float = 0.0,
    hard: float = 0.0,
    noise_of_proxy: float = 0.0,
    n_pool: int = 400,
    n_test: int = 60,
    n_seeds: int = 4,
) -> pd.DataFrame:
    """Draw a per-image study table.

    Parameters
    ----------
    tone
        Planted gap in log error.
    condition
        Planted effect of the condition, in standard deviations of log error; dark images have
        some conditions and one of the two sources more often.
    hard
        How much harder dark images are, in log error, for every model and codec.
    noise_of_proxy
        Standard deviation of the codec's own part; that of difficulty is 0.5.
    """
    dark = np.arange(n_pool) % 2 == 1
    label = np.where(dark, rng.binomial(5, 0.65, n_pool), rng.binomial(5, 0.4, n_pool))
    source = rng.uniform(size=n_pool) < np.where(dark, 0.7, 0.3)
    difficulty = 0.5 * rng.standard_normal(n_pool) + hard * dark
    of_label = condition * rng.standard_normal(6)
    fixed = tone * dark + of_label[label] + condition / 2 * source + difficulty
    proxy = np.exp(difficulty + noise_of_proxy * rng.standard_normal(n_pool))
    fst = np.where(dark, rng.integers(5, 7, n_pool), rng.integers(1, 3, n_pool))
    images = pd.DataFrame(
        {
            "md5hash": [f"{n:032x}" for n in range(n_pool)],
            "group": np.where(dark, "dark", "light"),
            "fst": fst,
            "fst_second": fst,
            "ita": 60.0 - 12.0 * fst + 5.0 * rng.standard_normal(n_pool),
            "label_fine": [f"condition {code}" for code in label],
            "source": np.where(source, "a.org", "b.org"),
            "qc": "",
            "side": 200.0 + rng.integers(0, 400, n_pool),
            "bytes_per_pixel": rng.uniform(0.2, 2.0, n_pool),
            "mse_jpeg": proxy,
            "mse_pca": proxy,
        }
    )
    images["cluster"] = images["md5hash"]
    tests = [
        np.concatenate(
            [rng.choice(np.flatnonzero(dark == side), n_test, replace=False) for side in (0, 1)]
        )
        for _ in range(n_seeds)
    ]
    runs = []
    for mix, share in MIXES:
        for seed, chosen in enumerate(tests):
            scatter = 0.1 * rng.standard_normal() + 0.2 * rng.standard_normal(chosen.size)
            scatter += 0.02 * rng.standard_normal(2)[dark[chosen].astype(int)]
            error = 0.03 * np.exp(fixed[chosen] + scatter)
            keys = {"run": f"{mix}-{seed}", "mix": mix, "share": share, "seed": seed}
            runs.append(
                images.iloc[chosen].assign(study="toy", distinct="paper", mse=error, **keys)
            )
    return pd.concat(runs, ignore_index=True)
