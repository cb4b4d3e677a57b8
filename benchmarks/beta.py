"""Is "sigma raises no flag" an artefact of the weight of KL? Scorecards against effective beta.

    git clone . ../beta && cd ../beta && make repro
    tonegap study run beta -j 2          # 18 models, some ten minutes
    python benchmarks/beta.py            # in that clone: it collects one arm after the other

Writes docs/beta.csv (a row per arm, score and quantity) and docs/beta.png. The clone's metrics/
then holds the last arm.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from ruamel.yaml import YAML

from tonegap.model.objective import effective_beta

SCORES = {"sigma": "sigma", "u_kl": "KL"}
PANELS = {
    "rank": "S1: rank correlation with the error",
    "partial": "S2: the same, given complexity",
    "interaction": "S3: rise where a group is unseen, SD",
    "worst_found": "S4: share of the worst tenth found",
}
COLOURS = {"light": "#0072b2", "dark": "#d55e00", "": "#333333"}


def arm(beta: float, factor: float) -> pd.DataFrame:
    """Collect and analyse the models of one weight; return their scorecard and medians."""
    run("study", "collect", "beta", "--where", f"train.beta={beta}")
    run("stage", "analyse")
    card = pd.read_csv("metrics/scorecard.csv", keep_default_na=False)
    card = card[card["score"].isin(SCORES)]
    images = pd.read_csv("metrics/study_images.csv", usecols=["sigma", "u_kl", "mse", "group"])
    medians = [
        {"score": score, "quantity": f"median {score}", "group": group, "estimate": value}
        for score in (*SCORES, "mse")
        for group, value in images.groupby("group")[score].median().items()
    ]
    columns = ["score", "quantity", "group", "estimate", "low", "high", "verdict"]
    table = pd.concat([card, pd.DataFrame(medians)])[columns]
    table.insert(0, "effective_beta", round(beta * factor, 4))
    return table


def run(*arguments: str) -> None:
    """Run tonegap; end with its message if it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "tonegap", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"tonegap {' '.join(arguments)}: {done.stderr}")


def draw(table: pd.DataFrame, path: Path) -> None:
    """Draw the medians of sigma and KL, then S1 to S4, against effective beta."""
    mpl.use("agg")
    figure, axes = plt.subplots(2, 3, figsize=(13, 6.5), layout="constrained")
    for score, axis in zip(SCORES, axes[0], strict=False):
        rows = table[table["quantity"] == f"median {score}"]
        for group, found in rows.groupby("group"):
            axis.plot(
                found["effective_beta"],
                found["estimate"],
                "o-",
                color=COLOURS[str(group)],
                label=group,
            )
        axis.set_title(f"median {SCORES[score]}")
    for (quantity, title), axis in zip(PANELS.items(), axes.flat[2:], strict=True):
        _panel(table[table["quantity"] == quantity], axis)
        axis.set_title(title)
    for axis in axes.flat:
        axis.set_xscale("log")
        axis.set_xlabel("effective beta")
        axis.grid(visible=True, alpha=0.3)
        axis.legend(fontsize=7)
    figure.suptitle("Phantoms, random features: what sigma and KL say, by the weight of KL")
    figure.savefig(path, dpi=100)


def _panel(rows: pd.DataFrame, axis: Axes) -> None:
    for (score, group), found in rows.groupby(["score", "group"]):
        value, low, high = (pd.to_numeric(found[name]) for name in ("estimate", "low", "high"))
        axis.errorbar(
            found["effective_beta"],
            value,
            [value - low, high - value],
            fmt="o-" if score == "sigma" else "s--",
            color=COLOURS[str(group)],
            label=f"{SCORES[str(score)]}, {group or 'both'}",
        )
    axis.axhline(0.0, color="#999999", linewidth=1)


def main() -> None:
    """Collect every arm of studies/beta.yaml; write the table and the figure."""
    study = YAML(typ="safe").load(Path("studies/beta.yaml").read_text(encoding="utf-8"))
    params = YAML(typ="safe").load(Path("params.yaml").read_text(encoding="utf-8"))
    size, model = params["data"]["image_size"], params["model"]
    side = size // 2 ** len(model["block_widths"])
    factor = effective_beta(size, (model["latent_channels"], side, side), "mean", 1.0)
    table = pd.concat([arm(beta, factor) for beta in study["grid"]["train.beta"]])
    table.to_csv("docs/beta.csv", index=False, lineterminator="\n")
    draw(table, Path("docs/beta.png"))
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
