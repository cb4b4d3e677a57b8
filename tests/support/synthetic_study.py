"""Synthetic tables with the columns of the collected ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tonegap.examples import StudyExamples
from tonegap.measures import COLUMNS, MEASURES

GROUP_OF = {1: "light", 2: "light", 5: "dark", 6: "dark"}
MIXES = {"light": 0.0, "mixed": 0.5, "dark": 1.0}
LABELS = ["plaque", "nevus", "vitiligo", "papules", "rash", "ring", "scaly <b>rash</b>", "rare"]


@pytest.fixture(scope="session")
def study_images() -> pd.DataFrame:
    """Three mixes, four seeds, thirty test images per group and run."""
    random = np.random.default_rng(0)
    rows = []
    for seed in range(4):
        for group in ("light", "dark"):
            drawn = random.choice(80, 30, replace=False)
            for mix, share in MIXES.items():
                own = share if group == "dark" else 1 - share
                base = (0.03 if group == "light" else 0.04) * (1.5 - 0.6 * own)
                for number in drawn:
                    label = LABELS[number % 8] if number < 78 else "rare"
                    rows.append(
                        {
                            "study": "synthetic",
                            "run": f"synthetic-{mix}-s{seed}",
                            "mix": mix,
                            "share": share,
                            "seed": seed,
                            "md5hash": f"{group}{number:03d}",
                            "group": group,
                            "cluster": f"{group}{number:03d}",
                            "label_fine": label,
                            "label_middle": "patchy" if number % 2 else "raised",
                            "label_coarse": "phantom",
                            "source": "phantom-a",
                            "mse": base * (1 + number % 8 / 10) * random.lognormal(0, 0.2),
                            "nmse": random.uniform(0.1, 0.2),
                            "sigma": random.uniform(0.3, 0.4),
                            "mse_pca": random.uniform(0.01, 0.02),
                            "mse_jpeg": random.uniform(0.001, 0.002),
                        }
                    )
    table = pd.DataFrame(rows)
    more = [row.name for row in MEASURES if row.per_image and row.name not in table]
    return table.assign(**{name: random.uniform(0.1, 0.2, len(table)) for name in more})


@pytest.fixture(scope="session")
def study(study_images) -> pd.DataFrame:
    """Run means of the images."""
    keys = ["study", "run", "mix", "share", "seed", "group"]
    values = [name for name in COLUMNS if name in study_images]
    grouped = study_images.groupby(keys, sort=False)
    runs = grouped[values].mean().assign(n=grouped.size(), n_distinct_train=150).reset_index()
    return runs.assign(sample_share_prior=0.1 + 0.6 * runs["share"])


@pytest.fixture(scope="session")
def annotated_rows() -> pd.DataFrame:
    """Rows of data/groups.csv: eight labels, every skin type."""
    random = np.random.default_rng(1)
    fst = random.choice([-1, 1, 2, 3, 4, 5, 6], 700)
    number = random.integers(0, 8, 700)
    return pd.DataFrame(
        {
            "md5hash": [f"{index:032x}" for index in range(700)],
            "group": pd.Series(fst).map(GROUP_OF),
            "fst": pd.Series(fst).where(fst > 0),
            "fst_second": np.where(random.random(700) < 0.8, fst, 3),
            "label_fine": np.array(LABELS)[number],
            "label_middle": np.array(["patchy", "raised", "flat"])[number % 3],
            "label_coarse": np.array(["one", "two"])[number % 2],
            "source": "phantom-a",
        }
    )


@pytest.fixture(scope="session")
def flow_table() -> pd.DataFrame:
    """Flow of exclusions in which one step excludes nothing."""
    left = {
        "annotated": (700, 330, 230, 140),
        "labelled": (680, 330, 230, 120),
        "grouped": (560, 330, 230, 0),
        "quality": (560, 330, 230, 0),
        "fetched": (557, 328, 229, 0),
    }
    rows, before = [], left["annotated"]
    for step, counts in left.items():
        for group, now, was in zip(
            ("all", "light", "dark", "neither"), counts, before, strict=True
        ):
            rows.append({"step": step, "group": group, "left": now, "excluded": was - now})
        before = counts
    return pd.DataFrame(rows)


@pytest.fixture(scope="session")
def examples() -> StudyExamples:
    """Gradients in place of pictures."""
    random = np.random.default_rng(2)
    originals = {
        group: random.integers(low, low + 90, (5, 16, 16, 3), dtype=np.uint8)
        for group, low in (("light", 150), ("dark", 20))
    }
    return StudyExamples(
        originals=originals,
        reconstructions={
            mix: {group: pixels // 2 + 40 for group, pixels in originals.items()} for mix in MIXES
        },
    )
