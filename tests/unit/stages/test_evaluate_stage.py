"""The stage ``evaluate``: what it does with models, and with data of an unkind shape."""

from __future__ import annotations

import json
import sys
import types

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from tonegap.errors import ModelError, WeightsError
from tonegap.files.panel import read_panel
from tonegap.files.parameters import read_params
from tonegap.groups import LIGHT_AND_DARK
from tonegap.model.perceptual import feature_network, random_weights
from tonegap.stages import evaluate
from tonegap.tables import COHORT_COLUMNS

SIZE = 16
IDS = [f"{place:032x}" for place in range(8)]


@pytest.fixture
def folder(tmp_path):
    """Give a folder with four test and four training images of noise."""
    pixels = np.random.default_rng(0).integers(0, 256, (8, SIZE, SIZE, 3), dtype=np.uint8)
    np.save(tmp_path / "images.npy", pixels)
    pd.DataFrame({"row": range(8), "md5hash": IDS}).to_csv(tmp_path / "images.csv", index=False)
    cohort = pd.DataFrame("same", index=range(8), columns=COHORT_COLUMNS)
    own = {"md5hash": IDS, "group": ["light", "dark"] * 4, "fst": [1, 6] * 4, "cluster": IDS}
    cohort.assign(**own).to_csv(tmp_path / "cohort.csv", index=False)
    fetch = pd.DataFrame({"md5hash": IDS, "status": "rendered"})
    fetch.to_csv(tmp_path / "fetch.csv", index=False)
    pd.DataFrame({"md5hash": IDS[2:5]}).to_csv(tmp_path / "panel.csv", index=False)
    _draw(tmp_path, train=IDS[4:])
    return tmp_path


def _draw(folder, train):
    rows = [("test", i, name) for i, name in enumerate(IDS[:4])]
    rows += [("train", i, name) for i, name in enumerate(train)]
    split = pd.DataFrame(rows, columns=["role", "draw", "md5hash"]).assign(group="light")
    split.to_csv(folder / "split.csv", index=False)


@pytest.fixture
def assess(folder, repository, monkeypatch):
    """Assess a finished model, given as a class; gives the table and the document."""

    def run(model, name="load", network="squeezenet1_1", network_weights="random", **changes):
        module = types.ModuleType("users_package")
        module.load = lambda image_size, device: model()
        monkeypatch.setitem(sys.modules, "users_package", module)
        params = read_params(repository / "params.yaml").evaluate
        chosen = {"model": f"users_package:{name}", "batch_size": 3, "grid_images": 2, "samples": 0}
        evaluate.run(
            images=folder / "images.npy",
            image_rows=folder / "images.csv",
            cohort=folder / "cohort.csv",
            split=folder / "split.csv",
            panel=folder / "panel.csv",
            fetch=folder / "fetch.csv",
            weights=folder / "absent.safetensors",
            params=params.model_copy(update=chosen | changes),
            groups=LIGHT_AND_DARK,
            device=torch.device("cpu"),
            network=network,
            network_weights=network_weights,
            settings={"mix": "mixed", "seed": 0},
            per_image=folder / "per_image.csv",
            evaluation=folder / "evaluate.json",
            conditions=folder / "conditions.csv",
            examples=folder / "examples.npz",
            panel_sketches=folder / "panel.npz",
            generation=folder / "generation.csv",
            plots=folder / "plots",
        )
        table = pd.read_csv(folder / "per_image.csv")
        return table, json.loads((folder / "evaluate.json").read_text())

    return run


class Half:
    """A user's model without a posterior."""

    def reconstruct(self, images):
        return images / 2

    def posterior_std(self, images):
        return None

    def sample(self, count, seed):
        return torch.zeros(count, 3, SIZE, SIZE)


def test_a_finished_model_is_assessed_in_ieee_float32(assess):
    """No TF32 and no timing of candidates: a GPU must give what the table calls float32."""
    seen = []

    class Spy(Half):
        def reconstruct(self, images):
            cudnn = torch.backends.cudnn
            seen.append(
                (cudnn.allow_tf32, cudnn.conv.fp32_precision, cudnn.benchmark, images.dtype)
            )
            return images / 2

    assess(Spy)
    assert set(seen) == {(False, "ieee", False, torch.float32)}


def test_a_model_that_keeps_gradients_and_writes_into_its_images_is_assessed(assess):
    """The example of the documentation need not know of no_grad, nor leave its input alone."""

    class Trained(Half):
        weight = torch.nn.Parameter(torch.tensor(0.5))

        def reconstruct(self, images):
            images.mul_(0.5)
            return images * self.weight

    class Careful(Half):
        def reconstruct(self, images):
            return images * 0.25

    careless, _ = assess(Trained)
    careful, _ = assess(Careful)
    pd.testing.assert_frame_equal(careless, careful)
    assert careless["sigma"].isna().all()
    assert {"mse", "nmse", "mse_pca", "mse_jpeg"} <= set(careless.columns)


def test_what_reconstruct_writes_never_reaches_the_deviation(assess):
    """`posterior_std` is given the images, not what `reconstruct` left of them."""

    class Careful(Half):
        def posterior_std(self, images):
            return images.flatten(1).std(dim=1)

    class Careless(Careful):
        def reconstruct(self, images):
            half = images / 2
            images.add_(1.0).div_(2.0)
            return half

    class Aside(Careful):
        """Writes where PyTorch does not count it."""

        def reconstruct(self, images):
            half = images / 2
            images.numpy()[:] = 0.0
            return half

    careful, _ = assess(Careful)
    for model in (Careless, Aside):
        pd.testing.assert_frame_equal(assess(model)[0], careful)


def test_scores_are_columns_of_the_table(assess):
    """Those that are asked for, and sigma; those that know no model exist for every model."""
    table, document = assess(Half, scores=("kl", "darkness"))
    scores = [name for name in table if name == "sigma" or name.startswith("u_")]
    assert scores == ["sigma", "u_kl", "u_darkness"]
    assert table["u_kl"].isna().all()
    assert table["u_darkness"].between(0.0, 1.0).all()
    assert document["u_kl"] == {"light": None, "dark": None, "gap": None}


def test_an_own_score_is_a_column_too(assess):
    """The model of the documentation may bring one."""

    class Own(Half):
        def uncertainty(self, images):
            return {"contrast": images.flatten(1).std(dim=1)}

    table, _ = assess(Own)
    assert (table["u_contrast"] > 0.0).all()


def test_the_panel_is_reconstructed_and_sketched(assess, folder):
    """Its images in their order, whether they are tested, trained on or neither."""
    assess(Half)
    panel = read_panel((folder / "panel.npz").read_bytes())
    assert list(panel.md5hashes) == IDS[2:5]
    assert panel.n_values == 3 * SIZE * SIZE
    pixels = np.load(folder / "images.npy")[2:5].astype(float) / 127.5 - 1.0
    halves = pixels.transpose(0, 3, 1, 2).reshape(3, -1) / 2.0
    np.testing.assert_allclose(panel.sketches, halves, atol=5e-4)


def test_without_a_panel_there_are_no_sketches(assess, folder):
    """The file is there, and empty."""
    pd.DataFrame({"md5hash": []}).to_csv(folder / "panel.csv", index=False)
    assess(Half)
    assert read_panel((folder / "panel.npz").read_bytes()).md5hashes == ()


def _gives(method, value):
    return type("Odd", (Half,), {method: lambda self, images: value(images)})


@pytest.mark.parametrize(
    ("method", "value", "expected"),
    [
        (
            "reconstruct",
            lambda x: x[:, :1],
            r"`reconstruct` of Odd returned images of \(3, 1, 16, 16",
        ),
        ("reconstruct", lambda x: x[:1], r"returned images of \(1, 3, 16, 16\), expected \(3, 3"),
        ("reconstruct", lambda x: x.numpy(), "returned ndarray, expected a torch.Tensor"),
        ("reconstruct", lambda x: x / 0.0 * 0.0, "NaN or infinite"),
        (
            "reconstruct",
            lambda x: (x + 1) * 127.5,
            r"returned values up to 25\d.*, expected \[-1, 1\]",
        ),
        ("posterior_std", lambda x: x.flatten(1).abs(), r"`posterior_std` .*\(3, 768\)"),
        ("posterior_std", lambda x: 0.9, "returned float, expected one number per image"),
        ("posterior_std", lambda x: x[:, 0, 0, 0] - 2.0, "negative, NaN or infinite"),
    ],
)
def test_what_cannot_be_assessed_is_said(assess, folder, method, value, expected):
    """Nothing is broadcast or left out of a mean in silence; no table is written."""
    with pytest.raises(ModelError, match=expected) as caught:
        assess(_gives(method, value))
    assert "\n" not in str(caught.value)
    assert not (folder / "per_image.csv").exists()


@pytest.mark.parametrize("grid_images", [0, 2])
def test_pictures_in_another_range_are_warned_of(assess, capsys, grid_images):
    """A model of images in [0, 1] gives finite numbers, all of them wrong, shown or not."""
    table, _ = assess(_gives("reconstruct", lambda x: (x + 1) / 2), grid_images=grid_images)
    assert "[0, 1] must map them to [-1, 1]" in capsys.readouterr().err
    assert "darkest" not in table
    assess(Half, grid_images=grid_images)
    assert not capsys.readouterr().err


def test_one_dark_picture_of_all_is_enough(assess, capsys):
    """A model that gives most images too bright is a poor one, of the right range."""

    class Poor(Half):
        def reconstruct(self, images):
            low = images.flatten(1).mean(dim=1)
            return torch.where(low > low.min(), 0.5, -0.5)[:, None, None, None].expand_as(images)

    assess(Poor, grid_images=0, batch_size=4)
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError("weights.pt"), r"KeyError: 'weights\.pt' at .*py:\d+"),
        (SystemExit("no weights"), r"it called sys\.exit\('no weights'\) at .*py:\d+"),
    ],
)
def test_a_factory_that_fails_is_named_with_its_error(assess, error, said):
    """The parameter, the user's own words, and the line that raised them, on one line."""

    def broken():
        raise error

    with pytest.raises(ModelError, match=rf"evaluate\.model is .*{said}"):
        assess(broken)


def test_a_factory_that_is_missing_names_the_parameter(assess):
    """Assessment's parameter, not training's."""
    with pytest.raises(ModelError, match=r"evaluate\.model is 'users_package:lod'.*load"):
        assess(Half, name="lod")


def test_the_components_that_pca_has_are_reported(assess, folder):
    """Three distinct images support two components, whatever was asked for."""
    _draw(folder, train=[IDS[4], IDS[5], IDS[6], IDS[4]])
    _, document = assess(Half, pca_components=64)
    assert document["settings"]["pca_components"] == 2


def test_one_training_image_leaves_no_pca(assess, folder):
    """The message says what to change; without the baseline the model is assessed."""
    _draw(folder, train=IDS[4:5])
    with pytest.raises(ModelError, match=r"two different training images.*evaluate\.baselines"):
        assess(Half)
    table, document = assess(Half, baselines=("jpeg",))
    assert "mse_pca" not in table
    assert "pca_components" not in document["settings"]


def test_pictures_of_one_colour_have_no_normalised_error(assess, folder):
    """Where an image has no variance there is nothing to divide by: empty, not infinite."""
    flat = np.repeat(np.arange(8, dtype=np.uint8) * 30, SIZE * SIZE * 3)
    np.save(folder / "images.npy", flat.reshape(8, SIZE, SIZE, 3))
    table, document = assess(Half)
    assert table["nmse"].isna().all()
    assert np.isfinite(table[["mse", "mse_pca", "mse_jpeg"]]).to_numpy().all()
    assert document["nmse"] == {"light": None, "dark": None, "gap": None}


def test_a_collapsed_posterior_is_flagged(assess, capsys):
    """Sigma is 1 for every image: a gap of 0 is no parity, and the stage says so."""

    class Blind(Half):
        def posterior_std(self, images):
            return torch.ones(len(images))

    class Sees(Half):
        def posterior_std(self, images):
            return torch.full((len(images),), 0.3)

    for model, collapsed in ((Blind, True), (Sees, False), (Half, False)):
        _, document = assess(model)
        assert document["settings"]["posterior_collapsed"] is collapsed
        assert ("collapsed to the prior" in capsys.readouterr().err) is collapsed


def test_what_crosses_the_split_is_counted(assess, folder):
    """A subject of another pipeline's split, in test and training, shows in the metrics."""
    cohort = pd.read_csv(folder / "cohort.csv", dtype=str)
    names = ["a", "b", "c", "d", "a", "e", "f", "g"]
    cohort.assign(subject=names, cluster=names).to_csv(folder / "cohort.csv", index=False)
    _, document = assess(Half)
    assert document["crossing"] == {
        "subjects_in_test_and_training": 1,
        "subjects_in_several_groups": 0,
        "clusters_in_test_and_training": 1,
        "test_images": 1,
        "clusters_in_several_groups": 0,
    }


@pytest.fixture
def trained_file(tmp_path):
    """Write a file of weights that nobody calls random."""
    network = random_weights(feature_network("squeezenet1_1"), 0)
    path = tmp_path / "trained.safetensors"
    save_file(network.state_dict(), path)
    return str(path)


@pytest.fixture
def large(folder):
    """Pictures of 32 px: SqueezeNet's last tap needs 17."""
    pixels = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    np.save(folder / "images.npy", pixels)


def test_lpips_is_measured_with_trained_squeezenet_features(assess, large, trained_file):
    """A column, its means and its gap."""
    table, document = assess(Half, network_weights=trained_file)
    assert (table["lpips_squeeze"] > 0).all()
    assert document["lpips_squeeze"]["light"] > 0


@pytest.mark.parametrize(("network", "trained"), [("squeezenet1_1", False), ("vgg19", True)])
def test_lpips_is_absent_with_other_features(assess, large, trained_file, network, trained):
    """No number under a name that stands for other features: no column, no key."""
    weights = trained_file if trained else "random"
    table, document = assess(Half, network=network, network_weights=weights)
    assert "lpips_squeeze" not in table
    assert "lpips_squeeze" not in document


def test_lpips_is_absent_of_pictures_too_small_for_the_network(assess, trained_file):
    """At 16 px nothing is left at the last tap; the other measures stand."""
    table, _ = assess(Half, network_weights=trained_file)
    assert "lpips_squeeze" not in table
    assert table["ssim"].notna().all()


def test_weights_that_are_not_there_are_named(assess, large):
    """An error that says what to set, before anything is written."""
    with pytest.raises(WeightsError, match=r"train\.perceptual_weights is nowhere\.safe"):
        assess(Half, network_weights="nowhere.safetensors")


def test_the_tone_slope_is_written(assess, large):
    """Half of every value brings tones together: by group, and over both."""
    _, document = assess(Half)
    assert set(document["tone_slope"]) == {"light", "dark", "all"}


class Sampler(Half):
    """Draws noise, the same for a seed."""

    def sample(self, count, seed):
        generator = torch.Generator().manual_seed(seed)
        return torch.rand(count, 3, 32, 32, generator=generator) * 2.0 - 1.0


def test_samples_are_compared_with_real_images(assess, large, folder):
    """A column per sampler, its means, a row of the table, and why another is absent."""
    table, document = assess(Sampler, samples=5)
    assert np.isfinite(table["sample_distance_prior"]).all()
    assert "sample_distance_fitted" not in table
    assert set(document["sample_distance_prior"]) == {"light", "dark", "gap"}
    rows = pd.read_csv(folder / "generation.csv")
    assert rows[["sampler", "samples"]].to_numpy().tolist() == [["prior", 5]]
    stated = document["settings"]["samples"]
    assert stated["count"] == 5
    assert stated["features"] == "squeezenet1_1, random (untrained) features"
    assert "fitted" in stated["absent"]
    again, _ = assess(Sampler, samples=5)
    pd.testing.assert_frame_equal(table, again)


@pytest.mark.parametrize("status", ["rendered", "verified"])
def test_samples_of_photographs_are_never_pictured(assess, large, folder, status):
    """A sample of a model of patients may show one: it is drawn for phantoms only."""
    fetch = pd.read_csv(folder / "fetch.csv", dtype=str)
    fetch.loc[0, "status"] = status
    fetch.to_csv(folder / "fetch.csv", index=False)
    assess(Sampler, samples=5)
    drawn = {path.name for path in (folder / "plots").glob("*.png")}
    pictures = {"samples.png", "reconstructions.png"}
    assert drawn == (pictures if status == "rendered" else set())


def test_without_samples_the_table_has_no_rows(assess, large, folder):
    """`evaluate.samples: 0`, or a model that cannot sample: the columns alone."""

    class Silent(Half):
        def sample(self, count, seed):
            raise NotImplementedError

    for model, samples in ((Sampler, 0), (Silent, 5)):
        table, document = assess(model, samples=samples)
        assert not any(name.startswith("sample_distance") for name in table.columns)
        rows = pd.read_csv(folder / "generation.csv")
        assert "share" in rows.columns
        assert len(rows) == 0
    assert set(document["settings"]["samples"]["absent"]) == {"prior", "fitted"}
    assert not (folder / "plots" / "samples.png").exists()
