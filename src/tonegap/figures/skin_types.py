"""Figure 2: how many annotated images each Fitzpatrick skin type has."""

from __future__ import annotations

import pandas as pd
from matplotlib.patches import Patch

from tonegap.cohort.groups import GROUPS, assign_groups
from tonegap.figures.style import COLOUR, Drawing, group_name, house_style, new_figure
from tonegap.params import GroupDefinition

_UNKNOWN = -1


def draw(counts: pd.DataFrame, definition: GroupDefinition, caveat: str = "") -> Drawing:
    """Draw the histogram of skin types.

    Parameters
    ----------
    counts
        From :func:`tonegap.cohort.fst_counts`.
    definition
        What the groups are; bars of a group have its colour. The heights are Scale AI's
        labels, or the Centaur labels where the groups are defined by those.
    caveat
        What the table rests on, where that is not Fitzpatrick17k.
    """
    column = "n_centaur" if definition == "centaur" else "n_scale"
    total = int(counts[column].sum())
    with house_style():
        figure = new_figure(2.3, [f"n = {total:,} annotated images.", caveat])
        axes = figure.add_subplot()
        colours = _colours(counts["fitzpatrick_scale"], definition)
        bars = axes.bar(range(len(counts)), counts[column], color=colours, width=0.8)
        texts = [f"{n:,}\n{100 * n / max(total, 1):.1f} %" for n in counts[column]]
        axes.bar_label(bars, labels=texts, padding=1.5, fontsize=6.5)
        axes.set_xticks(range(len(counts)), [_name(fst) for fst in counts["fitzpatrick_scale"]])
        axes.set_ylim(0, 1.22 * max(int(counts[column].max()), 1))
        axes.set_xlabel(f"Fitzpatrick skin type (FST), {_labeller(definition)}")
        axes.set_ylabel("Images")
        axes.yaxis.set_major_formatter("{x:,.0f}")
        figure.legend(handles=_legend(definition), loc="outside upper center", ncols=3)
    return Drawing(figure, counts)


def _colours(fst: pd.Series, definition: GroupDefinition) -> list[str]:
    groups = assign_groups(fst, fst, definition).fillna("neither")
    return [COLOUR[group] for group in groups]


def _name(fst: int) -> str:
    return "\N{MINUS SIGN}1\n(missing)" if fst == _UNKNOWN else str(fst)


def _labeller(definition: GroupDefinition) -> str:
    return "Centaur's labels" if definition == "centaur" else "Scale AI's labels"


def _legend(definition: GroupDefinition) -> list[Patch]:
    named = [Patch(color=COLOUR[group], label=group_name(group, definition)) for group in GROUPS]
    return [*named, Patch(color=COLOUR["neither"], label="neither")]
