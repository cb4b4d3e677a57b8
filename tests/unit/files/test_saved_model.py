from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from tonegap.errors import DataError, ModelError
from tonegap.files.parameters import read_params
from tonegap.files.saved_model import TrainedFacts, read_facts, read_trained, write_trained


@pytest.fixture
def facts(repository) -> TrainedFacts:
    settings = {"perceptual": "random vgg19", "beta": 1.0, "epochs": 3}
    made_on = {"device": "cpu", "torch": "2.15"}
    return TrainedFacts(read_params(repository / "params.yaml").model, 32, settings, made_on)


def test_weights_and_facts_round_trip(tmp_path, facts):
    """A trained model's file is enough to build it again."""
    state = {"b": torch.arange(4.0).reshape(2, 2).T, "a": torch.tensor(3)}
    write_trained(tmp_path / "m.safetensors", state, facts)
    read, read_facts = read_trained(tmp_path / "m.safetensors")
    assert read_facts == facts
    assert set(read) == {"a", "b"}
    assert torch.equal(read["b"], state["b"])


def test_tied_weights_are_written_under_both_names(tmp_path, facts):
    """Layers that share one tensor, whole or in part, are no reason to lose a training."""
    tied = torch.arange(4.0)
    state = {"a": tied, "b": tied, "c": tied[1:]}
    write_trained(tmp_path / "m.safetensors", state, facts)
    read, _ = read_trained(tmp_path / "m.safetensors")
    assert all(torch.equal(read[name], value) for name, value in state.items())


def test_facts_are_read_without_the_weights(tmp_path, facts):
    """A large model's description costs its header only."""
    path = tmp_path / "m.safetensors"
    write_trained(path, {"a": torch.ones(3)}, facts)
    with path.open("rb") as stream:
        assert read_facts(stream, "m") == facts
    for content in (b"", b"\xff" * 64, b"\x02" + b"\x00" * 7 + b"{}"):
        path.write_bytes(content)
        with path.open("rb") as stream, pytest.raises(DataError, match="not a trained model"):
            read_facts(stream, "m")


def test_equal_models_give_equal_bytes(tmp_path, facts):
    """DVC sees no change where there is none."""
    state = {name: torch.ones(3) for name in "qwertyuiop"}
    for name in ("one", "two"):
        write_trained(tmp_path / name, state, facts)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_other_files_are_refused(tmp_path):
    """No file, a damaged one and one of another program are one clear error each."""
    path = tmp_path / "m.safetensors"
    with pytest.raises(ModelError, match="not at"):
        read_trained(path)
    path.write_bytes(b"\x00" * 20)
    with pytest.raises(ModelError, match="cannot be read as safetensors"):
        read_trained(path)
    save_file({"a": torch.ones(1)}, path)
    with pytest.raises(ModelError, match="name its network"):
        read_trained(path)
