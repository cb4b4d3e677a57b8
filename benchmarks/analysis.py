"""Time the analysis of a study: 60 runs x 1,000 images, the paper's draw and equal distinct images.

Run ``python benchmarks/analysis.py``. It records and judges nothing.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from tonegap.calibration.simulation import Scenario, draw_study
from tonegap.groups import LIGHT_AND_DARK
from tonegap.labels import LABEL_COLUMNS
from tonegap.measures import SCORES
from tonegap.statistics.claims import assess_claims
from tonegap.statistics.decomposition import decompose
from tonegap.statistics.draws import COLUMNS, DRAWN_BY_SEED, drawn_by_seed
from tonegap.statistics.heterogeneity import condition_gaps, heterogeneity
from tonegap.statistics.influence import gap_without
from tonegap.statistics.label_definitions import score_definitions
from tonegap.statistics.paper import paper_sentences
from tonegap.statistics.scorecard import scorecard

N_LABELS, N_TRAIN = 114, 1668


def joined_study(seed: int) -> pd.DataFrame:
    """Simulate the paper's study and the one at equal distinct images, with labels."""
    rng = np.random.default_rng(seed)
    scenario = Scenario(log_gap=0.25, log_slope=-0.1)
    parts = [
        draw_study(scenario, rng).assign(distinct=distinct, mse_jpeg=lambda t: t["mse_pca"])
        for distinct in ("paper", "equal")
    ]
    table = pd.concat(parts, keys=range(2), names=["part"]).reset_index("part")
    run, part = table["run"].astype(str), table["part"].astype(str)
    label = "condition " + (table["cluster"] % N_LABELS).astype(str)
    table = table.assign(run=part + "-" + run, **dict.fromkeys(LABEL_COLUMNS.values(), label))
    dark = table["group"] == "dark"
    place = table["cluster"].astype(int)
    facts = {
        "mix": "share " + table["share"].astype(str),
        "fst": 1 + place % 2 + 4 * dark,
        "fst_second": 1 + place % 3 + 3 * dark,
        "ita": 45.0 - place % 20 - 50.0 * dark,
        "source": "source " + (place % 2).astype(str),
        "side": 300 + place % 200,
        "bytes_per_pixel": 0.1 + (place % 7) / 100.0,
        "qc": None,
    }
    scores = {
        row.name: np.exp(rng.normal(size=len(table))) * table["mse"]
        for row in SCORES
        if row.name != "sigma"
    }
    return with_training(table.assign(**facts, **scores).reset_index(drop=True), rng)


def with_training(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Add what each run drew: the paper's 1,668 images, of the tested ones."""
    pools = {group: rows["cluster"].unique() for group, rows in table.groupby("group")}
    splits = {}
    for run, rows in table.groupby("run"):
        dark = round(N_TRAIN * rows["share"].iloc[0])
        drawn = {"dark": dark, "light": N_TRAIN - dark}
        clusters = np.concatenate([rng.choice(pools[g], n) for g, n in drawn.items()])
        splits[str(run)] = pd.DataFrame({"role": "train", "md5hash": "", "cluster": clusters})
    own = table["share"].where(table["group"] == "dark", 1.0 - table["share"])
    pool = table["group"].map({group: len(clusters) for group, clusters in pools.items()})
    n_train = (N_TRAIN * own).round()
    known = pd.concat([n_train, n_train / (1.0 + n_train / pool), pool], axis=1)
    table = table.join(known.set_axis(list(COLUMNS), axis=1))
    return table.assign(**{DRAWN_BY_SEED: drawn_by_seed(table, splits)})


def main() -> None:
    """Time every table of the analysis."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    table = joined_study(parser.parse_args().seed)
    annotated = table.drop_duplicates("md5hash")[["md5hash", "group", *LABEL_COLUMNS.values()]]
    claims = assess_claims(table, "benchmark")
    tables: dict[str, Callable[[], object]] = {
        "claims": lambda: assess_claims(table, "benchmark", LIGHT_AND_DARK),
        "document": claims.to_mapping,
        "paper": lambda: paper_sentences(claims, table, annotated),
        "decomposition": lambda: decompose(table, LIGHT_AND_DARK),
        "labels": lambda: score_definitions(table, LIGHT_AND_DARK),
        "conditions": lambda: heterogeneity(condition_gaps(table, LIGHT_AND_DARK)),
        "influence": lambda: gap_without(table, LIGHT_AND_DARK),
        "scorecard": lambda: scorecard(table, LIGHT_AND_DARK),
    }
    print(f"{len(table)} rows, {table['run'].nunique()} runs")
    for name, make in tables.items():
        start, start_processor = time.perf_counter(), time.process_time()
        make()
        seconds, processor = time.perf_counter() - start, time.process_time() - start_processor
        print(f"{name}: wall {seconds:.2f} s, processor {processor:.2f} s")
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
