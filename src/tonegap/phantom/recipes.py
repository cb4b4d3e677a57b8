"""Annotation tables of phantoms, in Fitzpatrick17k's own columns."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from tonegap.errors import DataError
from tonegap.nearest import nearest
from tonegap.phantom.conditions import CONDITIONS, Condition
from tonegap.phantom.copies import KINDS, draw_copy
from tonegap.phantom.mixtures import (
    FST_OF_GROUP,
    MELANIN_OF_FST,
    RECIPES,
    Group,
    Profile,
    Range,
    Recipe,
)
from tonegap.phantom.spec import PhantomSpec, format_url

COLUMNS: Final = (
    "md5hash",
    "fitzpatrick_scale",
    "fitzpatrick_centaur",
    "label",
    "nine_partition_label",
    "three_partition_label",
    "qc",
    "url",
    "url_alphanum",
)
UNKNOWN_FST: Final = -1

_MAX_ROWS: Final = 1_000_000
_SEED_BOUND: Final = 2**32
_SIDES: Final = ((96, 96), (96, 128), (128, 96), (112, 96))  # height, width
_OPPOSITE: Final[dict[Group, Group]] = {"light": "dark", "dark": "light", "other": "light"}
# Probability of each step from the Scale label to the Centaur label. With these, 88 % of the
# light and 60 % of the dark rows keep their group (90 % and 61 % in Fitzpatrick17k).
_CENTAUR_STEPS: Final[dict[Group, dict[int, float]]] = {
    "light": {-1: 0.18, 0: 0.70, 1: 0.12},
    "dark": {-2: 0.12, -1: 0.35, 0: 0.45, 1: 0.08},
    "other": {-1: 0.30, 0: 0.45, 1: 0.25},
}
_CENTAUR_UNKNOWN: Final = 0.05
_DIAGNOSTIC_QC: Final = 0.02


@dataclass(frozen=True)
class _Row:
    """One annotation row in the making."""

    group: Group
    fst: int
    centaur: int
    spec: PhantomSpec
    condition: Condition
    qc: str | None = None
    has_url: bool = True


def annotation_table(
    recipe: str = "default",
    n_light: int = 340,
    n_dark: int = 240,
    n_other: int = 60,
    seed: int = 7,
) -> pd.DataFrame:
    """Draw the annotation table of a phantom data set.

    Parameters
    ----------
    recipe
        A key of :data:`tonegap.phantom.mixtures.RECIPES`, which explains each.
    n_light, n_dark, n_other
        Rows whose FST label is 1-2, 5-6, and 3-4 or unknown.
    seed
        Seed of all draws.

    Returns
    -------
    DataFrame
        :data:`COLUMNS`, sorted by md5hash. ``md5hash`` is the md5 of the row's url, as an
        identifier. It is not the md5 of the picture's bytes, because rounding differs between
        processors. A row that lost its url keeps its md5hash.

    Raises
    ------
    DataError
        If the recipe is unknown, or a count or the seed is out of range.
    """
    if recipe not in RECIPES:
        raise DataError(f"phantom: no recipe is called {recipe!r}; {nearest(recipe, RECIPES)}")
    counts: dict[Group, int] = {"light": n_light, "dark": n_dark, "other": n_other}
    for group, count in counts.items():
        if not 0 <= count <= _MAX_ROWS:
            raise DataError(
                f"phantom: n_{group} is {count}, but a table has 0 to {_MAX_ROWS} rows per group"
            )
    if seed < 0:
        raise DataError(f"phantom: seed is {seed}, but random numbers need one of 0 or more")
    records = [_record(row) for row in _rows(RECIPES[recipe], counts, seed)]
    table = pd.DataFrame(records, columns=list(COLUMNS))
    return table.sort_values("md5hash", ignore_index=True)


def _rows(recipe: Recipe, counts: dict[Group, int], seed: int) -> list[_Row]:
    originals: dict[Group, list[_Row]] = {}
    copies: list[tuple[Group, int]] = []
    for number, (group, count) in enumerate(counts.items()):
        n_copies = round(recipe.copied * count)
        originals[group] = [
            _original(recipe, group, np.random.default_rng([seed, number, index]))
            for index in range(count - n_copies)
        ]
        copies += [(group, index) for index in range(n_copies)]
    rng = np.random.default_rng([seed, len(counts)])
    unused = {g: [rows[i] for i in rng.permutation(len(rows))] for g, rows in originals.items()}
    copied = [_copy(recipe, group, index, unused, rng) for group, index in copies]
    rows = [row for group in originals.values() for row in group] + copied
    lost = set(rng.choice(len(rows), min(recipe.no_url, len(rows)), replace=False).tolist())
    return [replace(row, has_url=i not in lost) for i, row in enumerate(rows)]


def _original(recipe: Recipe, group: Group, rng: np.random.Generator) -> _Row:
    """Draw one row that is not a copy.

    The draws come in the same order under every recipe.
    """
    fst = _weighted(FST_OF_GROUP[group], rng)
    wrong = {"light": recipe.wrong_fst_light, "dark": recipe.wrong_fst_dark}.get(group, 0.0)
    skin = _OPPOSITE[group] if rng.random() < wrong else group
    skin_fst = fst if skin == group else _weighted(FST_OF_GROUP[skin], rng)
    profile = recipe.profile(skin)
    drawn = _weighted(dict(enumerate(profile.conditions)), rng)
    spec = _spec(profile, skin_fst, CONDITIONS[drawn], rng)
    centaur = _centaur(fst, group, rng)
    mislabelled = rng.random() < recipe.wrong_label
    label = (drawn + int(rng.integers(1, len(CONDITIONS)))) % len(CONDITIONS)
    flagged, diagnostic = rng.random() < 0.5, rng.random() < _DIAGNOSTIC_QC  # noqa: PLR2004 - half
    unknown = group == "other" and rng.random() < recipe.no_fst
    return _Row(
        group=group,
        fst=UNKNOWN_FST if unknown else fst,
        centaur=centaur,
        spec=spec,
        condition=CONDITIONS[label if mislabelled else drawn],
        qc=_qc(flagged=mislabelled and flagged, diagnostic=diagnostic and recipe.wrong_label > 0),
    )


def _qc(*, flagged: bool, diagnostic: bool) -> str | None:
    """Draw a quality flag in the words of Fitzpatrick17k."""
    if flagged:
        return "3 Wrongly labelled"
    return "1 Diagnostic" if diagnostic else None


def _spec(
    profile: Profile, fst: int, condition: Condition, rng: np.random.Generator
) -> PhantomSpec:
    any_fst = int(rng.integers(1, 7))
    melanin = _even(MELANIN_OF_FST[fst if profile.melanin_follows_fst else any_fst], rng)
    from_b = bool(rng.random() < profile.share_b)
    height, width = _SIDES[int(rng.integers(len(_SIDES)))]
    spec = PhantomSpec(
        melanin=melanin,
        blood=_even((0.012, 0.035), rng),
        family=condition.family,
        lesion_seed=int(rng.integers(_SEED_BOUND)),
        size=_even(condition.size, rng),
        severity=_even(condition.severity, rng),
        irregularity=_even(condition.irregularity, rng),
        skin_seed=int(rng.integers(_SEED_BOUND)),
        roughness=_even(profile.roughness, rng),
        slope=_even((1.6, 2.8), rng),
        source="b" if from_b else "a",
        quality=72 if from_b else 92,
        crop=0.08 if from_b else 0.0,
        watermark=from_b,
        lighting=_even((1.0, 1.5), rng),
        shading=_even(profile.shading, rng),
        background=max(0.0, _even(profile.background, rng)),
        upside_down=False,
        width=width,
        height=height,
    )
    # From a number that is drawn anyway: another draw would change all later ones.
    return replace(spec, upside_down=spec.skin_seed < profile.upside_down * _SEED_BOUND)


def _copy(
    recipe: Recipe,
    group: Group,
    index: int,
    unused: dict[Group, list[_Row]],
    rng: np.random.Generator,
) -> _Row:
    """Draw a row of ``group`` that copies a picture that has no copy yet.

    A relabelled copy takes its picture from the opposite group, or keeps the group and
    takes another condition's label.
    """
    spec_copy = draw_copy(KINDS[index % len(KINDS)], rng)
    relabelled, straddles = rng.random() < recipe.relabelled, rng.random() < 0.5  # noqa: PLR2004
    opposite = _OPPOSITE[group]
    taken = opposite if relabelled and straddles and unused[opposite] else group
    original = unused[taken].pop()
    condition = original.condition
    if relabelled and taken == group:
        other = CONDITIONS.index(condition) + int(rng.integers(1, len(CONDITIONS)))
        condition = CONDITIONS[other % len(CONDITIONS)]
    fst = original.fst if taken == group else _weighted(FST_OF_GROUP[group], rng)
    return _Row(
        group=group,
        fst=fst,
        centaur=_centaur(fst, group, rng),
        spec=replace(original.spec, copy=spec_copy),
        condition=condition,
    )


def _centaur(fst: int, group: Group, rng: np.random.Generator) -> int:
    """Draw a second annotator's Fitzpatrick type: noisier on dark skin, as in Fitzpatrick17k."""
    step = _weighted(_CENTAUR_STEPS[group], rng)
    if rng.random() < _CENTAUR_UNKNOWN or fst == UNKNOWN_FST:
        return UNKNOWN_FST
    return min(6, max(1, fst + step))


def _weighted(weights: dict[int, float], rng: np.random.Generator) -> int:
    """Draw a key by its weight, from one uniform number."""
    ends = np.cumsum(list(weights.values()))
    place = int(np.searchsorted(ends, rng.random() * ends[-1], side="right"))
    return list(weights)[min(place, len(weights) - 1)]


def _even(bounds: Range, rng: np.random.Generator) -> float:
    """Draw uniformly, with four digits, so that the url is short and equal on every processor."""
    return round(float(rng.uniform(*bounds)), 4)


def identifier(url: str) -> str:
    """Return the name of a phantom: the md5 of its url, 32 hexadecimal digits."""
    return hashlib.md5(url.encode(), usedforsecurity=False).hexdigest()


def _record(row: _Row) -> dict[str, object]:
    url = format_url(row.spec)
    md5hash = identifier(url)
    return {
        "md5hash": md5hash,
        "fitzpatrick_scale": row.fst,
        "fitzpatrick_centaur": row.centaur,
        "label": row.condition.fine,
        "nine_partition_label": row.condition.middle,
        "three_partition_label": row.condition.coarse,
        "qc": row.qc,
        "url": url if row.has_url else None,
        "url_alphanum": f"phantomv1{md5hash}.jpg" if row.has_url else None,
    }
