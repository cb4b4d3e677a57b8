"""Ensembles and sketches, against plain variances of whole pictures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tonegap.errors import DataError
from tonegap.files.panel import read_panel, write_panel
from tonegap.uncertainty.ensemble import Member, Panel, ensemble_columns
from tonegap.uncertainty.sketch import SIZE, sketch

NAMES = tuple(f"{n:032x}" for n in range(6))
N_VALUES = 3 * 32 * 32


@pytest.fixture(scope="module")
def made():
    """Give the reconstructions of six images by five models: [models, images, values]."""
    rng = np.random.default_rng(0)
    scale = np.linspace(0.02, 0.2, 6)[:, None]
    return np.tanh(rng.normal(size=(6, N_VALUES)) + scale * rng.normal(size=(5, 6, N_VALUES)))


def members(made, trained_on=((),) * 5, kinds=("light",) * 5):
    """Give one run per model."""
    return [
        Member(kind, frozenset(clusters), Panel(NAMES, sketch(pictures), N_VALUES))
        for kind, clusters, pictures in zip(kinds, trained_on, made, strict=True)
    ]


def rows_of(kind="light", clusters=NAMES) -> pd.DataFrame:
    return pd.DataFrame({"kind": kind, "md5hash": NAMES, "cluster": clusters}, index=range(7, 13))


def test_the_variance_is_that_of_the_pictures(made) -> None:
    """Over models with n - 1, averaged over values; sketches keep it to a few per cent."""
    rows = rows_of()
    found = ensemble_columns(rows, rows["kind"], members(made))
    expected = made.var(axis=0, ddof=1).mean(axis=1)
    assert list(found.index) == list(rows.index)
    np.testing.assert_allclose(found["u_ensemble"], expected, rtol=0.15)
    assert np.corrcoef(np.log(found["u_ensemble"]), np.log(expected))[0, 1] > 0.998
    assert (found["ensemble_models"] == 5).all()


def test_models_that_saw_the_image_or_a_copy_are_left_out(made) -> None:
    """A cluster that was trained on takes all of its images along."""
    clusters = [NAMES[0], NAMES[0], None, *NAMES[3:]]
    rows = rows_of(clusters=clusters)
    saw = [(NAMES[0],), (NAMES[0], NAMES[2]), (NAMES[0],), (), (NAMES[5],)]
    found = ensemble_columns(rows, rows["kind"], members(made, saw))
    assert found["ensemble_models"].tolist() == [2, 2, 4, 5, 5, 4]
    assert found["u_ensemble"].isna().tolist() == [True, True, *[False] * 4]
    kept = np.delete(made[:, 5], 4, axis=0)
    assert found["u_ensemble"].iloc[5] == pytest.approx(kept.var(0, ddof=1).mean(), rel=0.15)


def test_models_of_another_kind_take_no_part(made) -> None:
    """An ensemble is of one mix; a row of a kind without models has none."""
    rows = pd.concat([rows_of("light"), rows_of("dark"), rows_of("mixed")], ignore_index=True)
    kinds = ("light", "light", "light", "dark", "dark")
    found = ensemble_columns(rows, rows["kind"], members(made, kinds=kinds))
    by_kind = found["ensemble_models"].groupby(rows["kind"]).unique()
    assert {kind: list(counts) for kind, counts in by_kind.items()} == {
        "light": [3],
        "dark": [2],
        "mixed": [0],
    }
    expected = made[:3].var(axis=0, ddof=1).mean(axis=1)
    np.testing.assert_allclose(found["u_ensemble"][:6], expected, rtol=0.15)
    assert found["u_ensemble"][6:].isna().all()


def test_images_beyond_the_panel_have_no_ensemble(made) -> None:
    """A seed beyond those of the panel has test images that no model saw."""
    rows = rows_of()
    few = [Member(m.kind, m.trained_on, Panel(NAMES[:2], m.panel.sketches[:2], N_VALUES))
           for m in members(made)]  # fmt: skip
    found = ensemble_columns(rows, rows["kind"], few)
    assert found["ensemble_models"].tolist() == [5, 5, 0, 0, 0, 0]


def test_without_members_nothing_is_known() -> None:
    """A study without a panel has empty columns."""
    rows = rows_of()
    found = ensemble_columns(rows, rows["kind"], [])
    assert found["u_ensemble"].isna().all()
    assert (found["ensemble_models"] == 0).all()


def test_a_sketch_keeps_squared_distances() -> None:
    """On average; one distance is off by no more than sqrt(2 / 1024) in a standard deviation."""
    rng = np.random.default_rng(1)
    first, second = rng.uniform(-1, 1, (2, 200, 16, 16, 12))
    exact = ((first - second) ** 2).sum(axis=(1, 2, 3))
    difference = sketch(first).astype(float) - sketch(second).astype(float)
    ratio = (difference**2).sum(axis=1) / exact
    assert ratio.mean() == pytest.approx(1.0, abs=0.02)
    assert ratio.std() < 1.2 * np.sqrt(2.0 / SIZE)


def test_small_pictures_are_kept_as_they_are() -> None:
    """Up to rounding to half precision."""
    pictures = np.random.default_rng(2).uniform(-1, 1, (2, 3, 16, 16))
    np.testing.assert_allclose(sketch(pictures), pictures.reshape(2, -1), atol=5e-4)


def test_signs_and_sums_are_those_of_every_other_run() -> None:
    """A sketch is comparable across machines and releases: pinned to what it was."""
    counting = np.arange(2048.0)[None] / 2048.0
    expected = [1.49609375, 0.17822266, 0.29443359, 0.22363281]
    assert sketch(counting)[0, :4].tolist() == pytest.approx(expected)


def test_the_file_reads_back(tmp_path, made) -> None:
    """Names, sketches and number of values; other bytes are refused."""
    panel = members(made)[0].panel
    write_panel(panel, tmp_path / "panel.npz")
    found = read_panel((tmp_path / "panel.npz").read_bytes())
    assert (found.md5hashes, found.n_values) == (panel.md5hashes, panel.n_values)
    np.testing.assert_array_equal(found.sketches, panel.sketches)
    with pytest.raises(DataError, match="no sketches of a panel"):
        read_panel(b"md5hash\n")
