"""What a study's experiments become: tables that tell every kind of run apart."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tonegap.errors import StudyError
from tonegap.examples import Examples
from tonegap.files.examples import write_examples
from tonegap.files.panel import write_panel
from tonegap.files.parameters import read_yaml
from tonegap.files.repository import Experiment
from tonegap.statistics.claims import assess_claims
from tonegap.study import collect
from tonegap.study.choice import runs_where
from tonegap.study.collect import RUN_COLUMNS, collect_study
from tonegap.study.plan import plan_study
from tonegap.study.state import CellState
from tonegap.uncertainty.ensemble import Panel
from tonegap.workspace import Workspace

GRID = {
    "data.mix": ["light", "mixed", "dark"],
    "data.seed": [0, 1, 2],
    "data.distinct": ["paper", "equal"],
}
IMAGES = [f"{n:032x}" for n in range(20)]


def _per_image(cell) -> pd.DataFrame:
    """Errors of ten light and ten dark images, the dark half as large at equal distinct images."""
    data = cell.params.data
    rng = np.random.default_rng([data.seed, len(data.mix)])
    factor = 1.0 if data.distinct == "equal" else 2.0
    return pd.DataFrame(
        {
            "md5hash": IMAGES,
            "group": ["light"] * 10 + ["dark"] * 10,
            "cluster": IMAGES,
            "mse": rng.uniform(0.01, 0.02, 20) * ([1.0] * 10 + [factor] * 10),
            "sigma": rng.uniform(0.1, 0.2, 20),
            "ita_seen": (tones := rng.uniform(-40.0, 60.0, 20)),
            "ita_shift_skin": -0.25 * tones,
        }
    )


def _split(cell) -> pd.DataFrame:
    """Give the training draw: dark images where the mix has any, one drawn twice."""
    share = cell.params.share
    rows = [("light", "a")] * 2 * (share < 1.0) + [("dark", "b"), ("dark", "c")] * (share > 0.0)
    copied = IMAGES[cell.params.data.seed]  # of the test image whose place is the seed
    table = pd.DataFrame(rows, columns=["group", "md5hash"])
    return table.assign(role="train", cluster=copied)


def _cohort(cell) -> pd.DataFrame:
    """List the test images and, of each group, two copies of one further image."""
    rows = _per_image(cell)[["md5hash", "group", "cluster"]]
    copies = {
        "md5hash": list("stuv"),
        "group": ["light"] * 2 + ["dark"] * 2,
        "cluster": list("ssuu"),
    }
    return pd.concat([rows, pd.DataFrame(copies)])


def _panel(cell) -> Panel:
    """Give every test image but the last a sketch of one value, the seed."""
    values = np.full((19, 1), cell.params.data.seed, dtype=np.float16)
    return Panel(tuple(IMAGES[:19]), values, n_values=3)


def _picture(value: int) -> np.ndarray:
    return np.full((1, 2, 2, 3), value, dtype=np.uint8)


@pytest.fixture
def study(repository):
    return plan_study("toy", {"grid": GRID}, read_yaml(repository / "params.yaml"))


@pytest.fixture
def states(study, monkeypatch, tmp_path):
    """Every cell done; its files come from memory instead of DVC's cache."""
    done = [CellState(c, "done", commit=f"c0ffee{i}", reason="") for i, c in enumerate(study.cells)]
    world = SimpleNamespace(
        done=done, at=Workspace(tmp_path / "root"), tested_on=[0] * len(done), rendered=True
    )

    def output(_root, path, state):
        cell = state.cell
        if path == Workspace.examples:
            number = study.cells.index(cell)
            examples = Examples(
                {group: _picture(world.tested_on[number]) for group in ("light", "dark")},
                {group: _picture(number) for group in ("light", "dark")},
                rendered=world.rendered,
            )
            write_examples(examples, tmp_path / "examples.npz")
            return (tmp_path / "examples.npz").read_bytes()
        if path == Workspace.panel_sketches:
            write_panel(_panel(cell), tmp_path / "panel.npz")
            return (tmp_path / "panel.npz").read_bytes()
        tables = {Workspace.per_image: _per_image, Workspace.cohort: _cohort}
        table = tables.get(path, _split)(cell)
        return table.to_csv(index=False).encode()

    facts = {"settings": {"images": "phantom", "mix": "light", "seed": 0}}
    monkeypatch.setattr(collect, "_output", output)
    monkeypatch.setattr(collect, "_made_on", lambda *_: {"device": "cpu", "torch": "2"})
    tracked = {"metrics/evaluate.json": json.dumps(facts)}
    world.tracked = tracked
    monkeypatch.setattr(collect, "file_at", lambda _root, _commit, path: tracked.get(path))
    runs = [
        Experiment(name, baseline=40 * "ab"[number % 2], commit=f"c0ffee{number}")
        for number, name in enumerate(cell.name for cell in study.cells)
    ]
    monkeypatch.setattr(collect, "experiments", lambda _: runs)
    return world


def test_tables_tell_runs_on_equal_distinct_images_apart(study, states):
    """Both tables have `distinct`; a row per run and group, a row per run and image."""
    collect_study(states.at.root, study, states.done, partial=False)
    images, runs = pd.read_csv(states.at.study_images), pd.read_csv(states.at.study)
    assert list(images.columns[: len(RUN_COLUMNS)]) == list(RUN_COLUMNS)
    assert list(runs.columns[: len(RUN_COLUMNS)]) == list(RUN_COLUMNS)
    assert len(images) == 18 * 20
    assert len(runs) == 18 * 2
    for table in (images, runs):
        of_equal = table["run"].str.contains("equal")
        assert (table["distinct"] == np.where(of_equal, "equal", "paper")).all()
    row = runs[(runs["run"] == "toy-mixed-s1-distinctpaper") & (runs["group"] == "light")].iloc[0]
    mine = images[(images["run"] == row["run"]) & (images["group"] == "light")]
    assert row["mse"] == pytest.approx(mine["mse"].mean(), rel=1e-5)
    assert (row["n"], row["n_distinct_train"]) == (10, 1)


def test_a_run_tells_what_it_drew_and_from_how_much(study, states):
    """Effective numbers: 2 draws of one image are one; ten images and a pair are 12^2 / 14."""
    collect_study(states.at.root, study, states.done, partial=False)
    runs = pd.read_csv(states.at.study)
    light = runs[runs["group"] == "light"].set_index("share")
    assert (light.loc[0.5, "n_effective_train"] == 1.0).all()
    assert (light.loc[1.0, "n_effective_train"] == 0.0).all()
    assert light["n_effective_pool"].to_numpy() == pytest.approx(144 / 14, rel=1e-5)


def test_a_test_image_tells_which_seeds_drew_it_or_a_copy(study, states):
    """Seed s draws copies of test image s only: two in a pure mix, four in the mixed one."""
    collect_study(states.at.root, study, states.done, partial=False)
    images = pd.read_csv(states.at.study_images)
    for (share, _), mine in images.groupby(["share", "run"]):
        times = 4 if share == 0.5 else 2
        words = [f"{seed}:{times}" for seed in range(3)]
        assert mine["drawn_by_seed"].fillna("").tolist() == [*words, *[""] * 17]


def _retrained(states, **changes) -> list[CellState]:
    """Train the dark runs of the paper's draw again."""
    cells = [
        state.cell
        for state in states.done
        if (state.cell.params.data.mix, state.cell.params.data.distinct) == ("dark", "paper")
    ]
    found = []
    for cell in cells:
        train = cell.params.train.model_copy(update={"seed": 1, **changes})
        params = cell.params.model_copy(update={"train": train})
        again = dataclasses.replace(cell, name=f"{cell.name}-again", params=params)
        found.append(CellState(again, "done", commit="c0ffee", reason=""))
    return found


def test_the_error_of_a_second_training_stands_beside_the_first(study, states, monkeypatch):
    """Of the same run and image; missing where there was none. Nothing else changes."""
    collect_study(states.at.root, study, states.done, partial=False)
    without = pd.read_csv(states.at.study_images)
    images_of = collect.images_of

    def twice_as_large(root, of, state):
        table = images_of(root, of, state)
        return table.assign(mse=2 * table["mse"]) if state.cell.params.train.seed else table

    monkeypatch.setattr(collect, "images_of", twice_as_large)
    collect_study(states.at.root, study, states.done, _retrained(states), partial=False)
    table = pd.read_csv(states.at.study_images)
    again = (table["mix"] == "dark") & (table["distinct"] == "paper")
    assert np.allclose(table["mse_retrained"][again], 2 * table["mse"][again])
    assert table["mse_retrained"][~again].isna().all()
    pd.testing.assert_frame_equal(table.drop(columns="mse_retrained"), without)
    claims = assess_claims(table, "toy")
    assert claims.finding("gap_overall").estimate is not None


def test_a_second_training_of_another_model_is_refused(study, states):
    """Its difference from the first would not be luck."""
    again = _retrained(states, epochs=99)
    with pytest.raises(StudyError, match=r"no run of toy was trained as .*-again was, but for"):
        collect_study(states.at.root, study, states.done, again, partial=False)


def test_ensembles_are_of_models_that_did_not_see_the_image_or_a_copy(study, states):
    """Three seeds, sketches 0, 1, 2: variance 1 over three values; each model saw one image."""
    lines = collect_study(states.at.root, study, states.done, partial=False)
    images = pd.read_csv(states.at.study_images)
    for _, mine in images.groupby("run"):
        assert mine["ensemble_models"].tolist() == [2, 2, 2, *[3] * 16, 0]
        found = mine["u_ensemble"].to_numpy()
        assert found[3:19] == pytest.approx(1.0 / 3.0)
        assert np.isnan(found[[*range(3), 19]]).all()
    assert f"{18 * 16} with an ensemble" in lines[1]


def test_the_slope_of_tone_is_collected(study, states):
    """Of each run's group, and of both of the pair."""
    collect_study(states.at.root, study, states.done, partial=False)
    runs = pd.read_csv(states.at.study)
    assert runs[["tone_slope", "tone_slope_all"]].to_numpy() == pytest.approx(0.75)


def test_what_samples_are_like_is_collected(study, states):
    """Share and tones of the run in both rows, the kernel distance of each group in its own."""
    states.tracked["metrics/generation.csv"] = (
        "sampler,share,ita_distance,kid_reference,kid_compared\n"
        "prior,0.25,3.5,0.1,\nfitted,0.5,1.5,0.2,0.4\n"
    )
    collect_study(states.at.root, study, states.done, partial=False)
    runs = pd.read_csv(states.at.study)
    assert (runs["sample_share_prior"] == 0.25).all()
    assert (runs["sample_share_fitted"] == 0.5).all()
    assert (runs["ita_distance_fitted"] == 1.5).all()
    by_group = runs.groupby("group")[["kid_prior", "kid_fitted"]].mean()
    assert by_group.loc["light"].tolist() == pytest.approx([0.1, 0.2])
    assert by_group.loc["dark"].tolist() == pytest.approx([np.nan, 0.4], nan_ok=True)


def test_runs_without_samples_have_no_columns_of_them(study, states):
    """No file, as of earlier experiments, or a table without rows."""
    for text in (None, "sampler,share,ita_distance,kid_reference,kid_compared\n"):
        if text:
            states.tracked["metrics/generation.csv"] = text
        collect_study(states.at.root, study, states.done, partial=False)
        assert "sample_share_prior" not in pd.read_csv(states.at.study)


def test_the_best_case_at_equal_distinct_images_is_assessed_from_the_table(study, states):
    """The contrast rests on the `equal` runs alone, the ordinary gap on the others alone."""
    collect_study(states.at.root, study, states.done, partial=False)
    images = pd.read_csv(states.at.study_images)
    table = assess_claims(images, "toy").contrasts_table()
    values = table[table["metric"] == "log_mse"].set_index("contrast")["estimate"]
    assert values["gap_best_equal_distinct"] == pytest.approx(values["gap_best"] - np.log(2.0))


def test_examples_are_those_of_ordinary_runs(study, states):
    """Pictures of a mix come from one run: the least seed's, not the one of equal images."""
    collect_study(states.at.root, study, states.done, partial=False)
    with np.load(states.at.study_examples) as arrays:
        shown = {name: study.cells[arrays[name].max()].name for name in arrays if "recon" in name}
    assert shown == {
        f"recon_{mix}_{group}": f"toy-{mix}-s0-distinctpaper"
        for mix in ("light", "mixed", "dark")
        for group in ("light", "dark")
    }


def test_the_code_is_the_code_of_the_runs(study, states):
    """Whatever is checked out when a study is collected: the same runs give the same facts."""
    collect_study(states.at.root, study, states.done, partial=False)
    assert json.loads(states.at.study_facts.read_text())["code"] == f"{40 * 'a'}, {40 * 'b'}"
    collect_study(states.at.root, study, states.done[:1], partial=True)
    assert json.loads(states.at.study_facts.read_text())["code"] == 40 * "a"


def test_missing_cells_are_named(study, states):
    """A study with a hole is collected on request only."""
    hole = CellState(study.cells[-1], "failed", commit=None, reason="killed")
    holey = [*states.done[:-1], hole]
    with pytest.raises(StudyError, match=r"17 of 18 runs are done; .*failed \(killed\)") as error:
        collect_study(states.at.root, study, holey, partial=False)
    assert "\n" not in str(error.value)
    assert "--partial" in str(error.value)
    collect_study(states.at.root, study, holey, partial=True)
    assert pd.read_csv(states.at.study)["run"].nunique() == 17


@pytest.fixture
def scales(repository):
    """Give the missing cells of a grid over the weight of features, two mixes and two seeds."""
    grid = {
        "train.perceptual_scale": [0.0, 10.0],
        "data.mix": ["light", "dark"],
        "data.seed": [0, 1],
        "train.epochs": [4],
    }
    study = plan_study("toy", {"grid": grid}, read_yaml(repository / "params.yaml"))
    return [CellState(cell, "missing", commit=None, reason="") for cell in study.cells]


def test_runs_of_one_model_are_chosen_from_a_grid_of_several(scales):
    chosen = runs_where(scales, {"train.perceptual_scale": 10})
    assert [(c.cell.params.data.mix, c.cell.params.data.seed) for c in chosen] == [
        ("light", 0),
        ("light", 1),
        ("dark", 0),
        ("dark", 1),
    ]
    assert {c.cell.params.train.perceptual_scale for c in chosen} == {10.0}


def test_several_models_are_not_collected_as_one(scales):
    with pytest.raises(
        StudyError, match=r"train.perceptual_scale \(0.0, 10.0\).*--where train"
    ) as e:
        runs_where(scales, {})
    assert "\n" not in str(e.value)
    assert "epochs" not in str(e.value)


@pytest.mark.parametrize("where", [{"train.perceptual_scale": 3.0}, {"train.beta": 1.0}])
def test_a_choice_that_no_run_has_is_refused(scales, where):
    with pytest.raises(StudyError, match=r"no run has .*; the runs differ in train.perceptual_sc"):
        runs_where(scales, where)


def test_mixes_seeds_and_equal_distinct_images_are_one_model(states):
    assert runs_where(states.done, {}) == states.done


def test_examples_of_another_study_do_not_stay(study, states):
    """Where mixes were tested on other images nothing is shown, least of all what was there."""
    states.at.study_examples.parent.mkdir(parents=True)
    states.at.study_examples.write_bytes(b"of another study")
    states.tested_on = range(len(states.done))
    lines = collect_study(states.at.root, study, states.done, partial=False)
    assert not states.at.study_examples.exists()
    assert not any("examples" in line for line in lines)


def test_photographs_go_to_the_private_folder(study, states):
    """Of the two files there is one: a phantom's pictures of before would pass for patients'."""
    collect_study(states.at.root, study, states.done, partial=False)
    assert states.at.study_examples.is_file()
    states.rendered = False
    *_, line = collect_study(states.at.root, study, states.done, partial=False)
    assert line == f"{Workspace.private_examples}: example reconstructions"
    assert states.at.private_examples.is_file()
    assert not states.at.study_examples.exists()


def test_a_file_of_weights_is_named_without_its_folder(study):
    """metrics/study.json is tracked by git and names no folder of the machine."""
    path = "/home/somebody/weights/squeezenet.safetensors"
    states = []
    for cell in study.cells:
        train = cell.params.train.model_copy(update={"perceptual_weights": path})
        params = cell.params.model_copy(update={"train": train})
        states.append(CellState(dataclasses.replace(cell, params=params), "done", "0" * 40, ""))
    assert collect._common_params(states)["train"]["perceptual_weights"] == "squeezenet.safetensors"
