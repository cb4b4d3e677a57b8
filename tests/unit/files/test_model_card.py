"""Model cards: read by huggingface_hub, and the weights beside them, or not."""

from __future__ import annotations

import json

import pytest
import torch
from exported import edit_json, relock, show_patients
from ruamel.yaml import YAML
from typer.testing import CliRunner

from tonegap.cli.app import app
from tonegap.errors import DataError
from tonegap.files.finished_model import assessed_model
from tonegap.files.model_card import CARD, WEIGHTS, write_card
from tonegap.files.parameters import read_params
from tonegap.workspace import Workspace


def card_of(folder):
    _, metadata, text = (folder / CARD).read_text(encoding="utf-8").split("---\n", 2)
    return YAML(typ="safe", pure=True).load(metadata), text


def results_of(metadata):
    """Return value by measure and group or gap."""
    return {
        (metric["type"], result["dataset"]["config"]): metric["value"]
        for result in metadata["model-index"][0]["results"]
        for metric in result["metrics"]
    }


def test_the_card_has_the_runs_numbers_by_group_and_the_gap(exported):
    """Every number is that of metrics/evaluate.json, and says what it rests on."""
    result = CliRunner().invoke(app, ["export", "card"])
    assert result.exit_code == 0, result.output
    metadata, text = card_of(exported / "card")
    evaluation = json.loads((exported / Workspace.evaluation).read_text())
    results = results_of(metadata)
    assert results["mse", "light"] == evaluation["mse"]["light"]
    assert all(value == evaluation[name][key] for (name, key), value in results.items())
    assert {key for _, key in results} == {"light", "dark", "gap"}
    names = [
        metric["name"]
        for entry in metadata["model-index"][0]["results"]
        for metric in entry["metrics"]
    ]
    assert all("phantom images" in name and "random features" in name for name in names)
    assert metadata["license"] == "mit"
    assert {"phantom-images", "random-features"} <= set(metadata["tags"])
    assert "(phantom images, random features)" in text
    assert "they say nothing about patients" in text
    assert "`train.epochs` | `20`" in text


def test_the_hubs_own_reader_takes_the_card(exported):
    """huggingface_hub reads the model index as results, one per metric, and the licence."""
    hub = pytest.importorskip("huggingface_hub", reason="it comes with the extra diffusers")
    write_card(exported, exported / "card")
    card = hub.ModelCard.load(exported / "card" / CARD)
    assert card.data.license == "mit"
    assert card.data.model_name == "tonegap-vae-light-0"
    metadata, _ = card_of(exported / "card")
    assert len(card.data.eval_results) == len(results_of(metadata))


def test_the_weights_beside_the_card_are_the_trained_ones(exported):
    """They are equal byte by byte, and load as the card says."""
    write_card(exported, exported / "card")
    beside = exported / "card" / WEIGHTS
    assert beside.read_bytes() == (exported / Workspace.weights).read_bytes()
    size = read_params(exported / "params.yaml").data.image_size
    model, _ = assessed_model("trained", beside, size, torch.device("cpu"))
    assert model.reconstruct(torch.zeros(1, 3, size, size)).shape == (1, 3, size, size)


def test_no_weights_of_patients_leave(repository, exported):
    """A model trained on photographs counts as their picture: the card goes alone and says so."""
    show_patients(repository, exported)
    result = CliRunner().invoke(app, ["export", "card"])
    assert result.exit_code == 0, result.output
    assert "no weights beside it" in result.output
    assert not (exported / "card" / WEIGHTS).exists()
    metadata, text = card_of(exported / "card")
    assert (metadata["license"], metadata["license_name"]) == ("other", "not-for-publication")
    assert "**not beside this card**" in text
    assert "CC BY-NC-SA 3.0" in text
    assert "phantom" not in text.split("## Training parameters")[0]


def test_weights_that_are_there_already_are_refused(repository, exported):
    """Weights of phantoms left in the folder would pass for those of patients, and the reverse."""
    write_card(exported, exported / "card")
    show_patients(repository, exported)
    before = (exported / "card" / CARD).read_bytes()
    with pytest.raises(DataError, match=r"model\.safetensors is there.*delete it"):
        write_card(exported, exported / "card")
    assert (exported / "card" / CARD).read_bytes() == before


@pytest.mark.parametrize("origin", ["run", "study", "pin"])
def test_any_sign_of_photographs_withholds_the_weights(exported, repository, origin):
    """Images, data.dvc, the run's settings: one that does not say phantom is enough."""
    if origin == "pin":
        text = (exported / "data.dvc").read_text()
        (exported / "data.dvc").write_text(text.replace("remote:", "remote: private"))
    else:
        path = Workspace.evaluation if origin == "run" else Workspace.study_facts
        edit_json(exported / path, lambda document: document["settings"].pop("images"))
        relock(repository, exported)
    assert write_card(exported, exported / "card").patients
    assert not (exported / "card" / WEIGHTS).exists()


def test_numbers_of_another_model_are_refused(exported):
    """metrics/evaluate.json of a finished model says nothing about models/vae.safetensors."""
    params = (exported / "params.yaml").read_text()
    (exported / "params.yaml").write_text(
        params.replace("  model: trained", "  model: my.own:model")
    )
    with pytest.raises(DataError, match=r"assesses my\.own:model"):
        write_card(exported, exported / "card")


def test_a_collapsed_posterior_is_a_caveat(repository, exported):
    """Sigma says nothing then, and the card must not pass it for parity."""
    edit_json(
        exported / Workspace.evaluation,
        lambda document: document["settings"].update(posterior_collapsed=True),
    )
    relock(repository, exported)
    write_card(exported, exported / "card")
    assert "collapsed to the prior" in card_of(exported / "card")[1]


def test_a_number_that_is_none_is_a_dash(repository, exported):
    """It leaves the model index, which takes numbers alone."""
    edit_json(
        exported / Workspace.evaluation,
        lambda document: document["mse"].update(light=None, gap=None),
    )
    relock(repository, exported)
    write_card(exported, exported / "card")
    metadata, text = card_of(exported / "card")
    assert ("mse", "light") not in results_of(metadata)
    assert ("mse", "dark") in results_of(metadata)
    assert "| \N{EN DASH} |" in text
