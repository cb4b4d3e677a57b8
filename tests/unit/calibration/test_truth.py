"""What phantoms plant is measured: nothing where nothing is planted, tone where tone is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tonegap.calibration.truth import Design, measure_planted, other_melanin
from tonegap.phantom.mixtures import MELANIN_OF_FST
from tonegap.phantom.recipes import annotation_table
from tonegap.phantom.spec import PhantomSpec, parse_url

DESIGN = Design(image_size=16, n_train=60, components=8, repeats=12)


def measured(recipe: str) -> dict[str, dict]:
    table = annotation_table(recipe, 60, 60, 0, seed=3)
    table = table[table["url"].notna()]
    group = table["fitzpatrick_scale"].map(lambda fst: "light" if fst in (1, 2) else "dark")
    return {row["effect"]: row for row in measure_planted(table.assign(group=group), DESIGN)}


def test_nothing_is_found_where_nothing_is_planted() -> None:
    """Under `no_effect` the effects are within what one small table scatters."""
    found = measured("no_effect")
    assert abs(found["gap"]["percent"]) < 35
    assert abs(found["own share"]["percent"]) < 6
    assert abs(found["own share"]["melanin_percent"]) < 6


def test_tone_alone_makes_the_whole_effect_of_the_recipe_tone() -> None:
    """Under `tone` the groups differ in melanin only: the twins show the whole own share effect."""
    own_share = measured("tone")["own share"]
    assert own_share["percent"] < -25
    assert own_share["melanin_percent"] == pytest.approx(own_share["percent"], abs=8)


def test_measuring_again_gives_the_same_numbers() -> None:
    """The file can be made anew on another machine."""
    assert measured("no_effect") == measured("no_effect")


@pytest.mark.parametrize("fst", range(1, 7))
def test_a_twin_has_the_other_melanin_and_a_twin_of_its_own(fst: int) -> None:
    """Swapping twice gives the phantom back; nothing but melanin changes."""
    low, high = MELANIN_OF_FST[fst]
    url = annotation_table("no_effect", 1, 1, 0, seed=1)["url"].iloc[0]
    spec = replace(parse_url(str(url)), melanin=low + 0.3 * (high - low))
    twin = other_melanin(spec)
    assert MELANIN_OF_FST[7 - fst][0] <= twin.melanin <= MELANIN_OF_FST[7 - fst][1]
    assert replace(twin, melanin=spec.melanin) == spec
    assert other_melanin(twin).melanin == pytest.approx(spec.melanin)
    assert isinstance(twin, PhantomSpec)
