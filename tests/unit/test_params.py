from __future__ import annotations

import copy
import json

import pytest
import torch

from tonegap.errors import ParameterError
from tonegap.files.parameters import read_params, read_yaml
from tonegap.model.perceptual import feature_network
from tonegap.raw_params import known_keys, params_from_mapping
from tonegap.study.files import read_study, study_names


@pytest.fixture
def raw(repository):
    return read_yaml(repository / "params.yaml")


def test_the_committed_file_is_valid_and_explains_every_key(repository):
    """Each key of params.yaml has a comment of its own above it."""
    read_params(repository / "params.yaml")
    lines = (repository / "params.yaml").read_text().splitlines()
    for group, keys in known_keys().items():
        assert f"{group}:" in lines
        for key in keys:
            place = next(i for i, line in enumerate(lines) if line.startswith(f"  {key}:"))
            above = lines[place - 1].strip()
            assert above.startswith("#"), f"{group}.{key} has no comment of its own"


@pytest.mark.parametrize(
    ("group", "key", "value", "message"),
    [
        ("data", "mx", 1, "unknown key data.mx; did you mean 'mix'"),
        ("dta", "mix", 1, "unknown key dta; did you mean 'data'"),
        ("data", "mix", "mixd", "did you mean 'mixed'"),
        ("filter", "duplicates", "kep", "filter.duplicates is 'kep'; did you mean 'keep'"),
        ("filter", "near_distance", 17, "filter.near_distance is 17: input should be less than"),
        ("data", "n_test", 0, "data.n_test is 0: input should be greater than"),
        ("data", "n_test", True, "data.n_test is True"),
        ("data", "image_size", 34, "multiple of 4"),
        ("train", "epochs", 3.5, "train.epochs is 3.5"),
        ("train", "learning_rate", float("inf"), "train.learning_rate is inf"),
        ("train", "device", "gpu", "train.device is 'gpu'"),
        ("model", "base_width", 15, "must be even"),
        ("model", "factory", "os.system", "model.factory"),
        ("model", "block_widths", [], "at least one width"),
        ("evaluate", "baselines", ["pcb"], "did you mean 'pca'"),
        ("mixes", "dark_25", 1.25, "mixes.dark_25 is 1.25"),
        ("mixes", "a/b", 0.5, "mixes.a/b"),
    ],
)
def test_a_refused_value_is_named_with_its_neighbours(raw, group, key, value, message):
    """An unknown key or impossible value is one line that says where, what and what else."""
    raw.setdefault(group, {})[key] = value
    with pytest.raises(ParameterError, match=message) as error:
        params_from_mapping(raw)
    assert "\n" not in str(error.value)


def test_a_missing_key_is_named(raw):
    """A key that was renamed by mistake is missed."""
    del raw["data"]["n_train"]
    with pytest.raises(ParameterError, match=r"data\.n_train is missing"):
        params_from_mapping(raw)


@pytest.mark.parametrize("content", ["- 1", "a: [", "", "\x00", "&a [*a]"])
def test_other_files_are_refused(tmp_path, content):
    """A file that is no mapping, or no YAML, is one clear error."""
    path = tmp_path / "params.yaml"
    path.write_text(content)
    with pytest.raises(ParameterError) as error:
        read_params(path)
    assert "\n" not in str(error.value)


def test_users_add_mixes(raw):
    """A new row of the table is a mix like the others."""
    extended = copy.deepcopy(raw)
    extended["mixes"]["dark_25"] = 0.25
    extended["data"]["mix"] = "dark_25"
    assert params_from_mapping(extended).share == 0.25


def test_scientific_notation_is_a_number(tmp_path, repository):
    """1e-4 is a number, as in YAML 1.2; a YAML 1.1 reader would make it text."""
    text = (repository / "params.yaml").read_text()
    path = tmp_path / "params.yaml"
    path.write_text(text.replace("learning_rate: 0.005", "learning_rate: 1e-4"))
    assert read_params(path).train.learning_rate == 1e-4


def test_every_shipped_study_is_valid(repository):
    """Each file in studies/ plans, and none repeats a cell."""
    names = study_names(repository)
    assert {"paper", "phantom", "sweep", "pilot"} <= set(names)
    sizes = {name: len(read_study(repository, name).cells) for name in names}
    assert (sizes["paper"], sizes["sweep"]) == (30, 20)


@pytest.mark.parametrize(
    ("kind", "section", "key"), [("equal", "data", "distinct"), ("retrained", "train", "seed")]
)
def test_a_twin_differs_in_what_it_is_named_for(repository, kind, section, key):
    """Each of its runs is a run of its study but for one parameter, as `study collect` needs it."""
    twins = [name for name in study_names(repository) if name.endswith(f"_{kind}")]
    assert f"paper_{kind}" in twins

    def but_one(cell):
        values = cell.params.model_dump(mode="json")
        del values[section][key]
        return json.dumps(values, sort_keys=True)

    for twin in twins:
        of_study = read_study(repository, twin.removesuffix(f"_{kind}")).cells
        originals = {but_one(cell): cell.params for cell in of_study}
        for cell in read_study(repository, twin).cells:
            original = originals[but_one(cell)]
            own = getattr(getattr(cell.params, section), key)
            assert own != getattr(getattr(original, section), key)


def test_the_paper_study_has_the_papers_values(repository):
    """Sections 3.1-3.4 of the paper and its code base, value by value."""
    cell = read_study(repository, "paper").cells[-1]
    p = cell.params
    assert cell.name == "paper-dark-s9"
    assert (p.data.image_size, p.data.n_test, p.data.n_train) == (128, 500, 1668)
    assert (p.data.replacement, p.data.duplicates, p.data.match) == (True, "paper", "none")
    assert p.filter.duplicates == "keep"
    assert p.groups.column == "fst"
    assert p.groups.define == {"light": (1, 2), "dark": (5, 6)}
    assert (p.model.base_width, p.model.block_widths) == (64, (1, 2, 4, 8))
    assert (p.model.latent_channels, p.model.bottleneck_blocks, p.model.deep) == (64, 1, True)
    assert (p.train.epochs, p.train.batch_size, p.train.learning_rate) == (15, 64, 1e-4)
    assert (p.train.clip_norm, p.train.flip, p.train.beta) == (10.0, True, 1.0)
    assert (p.train.kl_reduction, p.train.perceptual_scale) == ("mean", 1.0)
    assert (p.train.perceptual_network, p.train.perceptual_weights) == ("vgg19", "imagenet")
    assert (p.train.perceptual_taps, p.train.perceptual_imagenet_norm) == ("before_relu", False)
    assert (p.mixes["light"], p.mixes["mixed"], p.mixes["dark"]) == (0.0, 0.5, 1.0)


@pytest.mark.parametrize(("network", "smallest"), [("vgg19", 16), ("squeezenet1_1", 17)])
def test_an_image_too_small_for_the_features_is_refused(raw, network, smallest):
    """The smallest image that is let through has features, one pixel less has none."""
    weights = feature_network(network)
    assert weights(torch.zeros(1, 3, smallest, smallest))[-1].numel() > 0
    with pytest.raises(RuntimeError, match="too small"):
        weights(torch.zeros(1, 3, smallest - 1, smallest - 1))
    raw["model"]["block_widths"] = [1]
    raw["train"]["perceptual_network"] = network
    raw["data"]["image_size"] = 2 * (smallest // 2)
    if raw["data"]["image_size"] < smallest:
        with pytest.raises(ParameterError, match="to nothing"):
            params_from_mapping(raw)
    else:
        assert params_from_mapping(raw).data.image_size == smallest


def _bomb(levels: int) -> str:
    """Aliases that would make eight times as much of every level."""
    anchors = [
        "&a0 [x, x]",
        *(f"&a{n} [{', '.join([f'*a{n - 1}'] * 8)}]" for n in range(1, levels)),
    ]
    return f"[{', '.join(anchors)}]"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("  light: 0.0", f"  light: {_bomb(20)}", "mixes.light"),
        ("exclude_qc: []", f"exclude_qc: {_bomb(20)}", "filter.exclude_qc"),
        ("exclude_qc: []", "exclude_qc: &a [*a]", "filter.exclude_qc"),
        ("exclude_qc: []", f"exclude_qc: {'[' * 1500}{']' * 1500}", "nested deeper"),
        ("mix: light", f"mix: {'x' * 100_000}", "data.mix"),
        ("min_side: 16", f"min_side: 16\n  ? {'x' * 100_000}\n  : 1", "unknown key filter.xxx"),
        ("n_train: 128", f"n_train: {'9' * 4000}", "data.n_train"),
        ("n_test: 60", "n_test: 100000000", "data.n_test"),
        ("min_side: 16", "min_side: !!python/object/apply:os.system [id]", "not valid YAML"),
    ],
)
def test_hostile_yaml_is_one_short_line(repository, tmp_path, old, new, words):
    """Aliases, depth, length and tags cost neither memory nor time, nor fill the screen."""
    text = (repository / "params.yaml").read_text()
    assert old in text
    (tmp_path / "params.yaml").write_text(text.replace(old, new))
    with pytest.raises(ParameterError) as caught:
        read_params(tmp_path / "params.yaml")
    message = str(caught.value)
    assert words in message
    assert len(message) < 1000
    assert "\n" not in message
