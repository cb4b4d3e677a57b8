"""What an audit does before DVC runs: choose the data, name the audit, read the list."""

from __future__ import annotations

import pytest

from tonegap.adapters.reference import parse_reference
from tonegap.audits import running
from tonegap.audits.running import Request, audit, choose_data, name_of
from tonegap.errors import DataError, ModelError, ParameterError


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("diffusers:owner/name@abc", "name-here"),
        ("diffusers:owner/name:vae", "name-vae-here"),
        ("python:package.module:load", "package.module-load-here"),
        ("torchscript:/some/where/model v2.pt", "model-v2-here"),
        ("samples:../generated/", "generated-here"),
    ],
)
def test_an_audit_is_named_by_model_and_data(reference, name):
    """The name is short, and can be a folder's."""
    assert name_of(parse_reference(reference), "here") == name


def test_here_needs_no_images(tmp_path):
    """Images that nothing would use are an error, not ignored."""
    choose_data(tmp_path, Request("x", "here"), print)
    with pytest.raises(ParameterError, match="--images and --table belong to a preset"):
        choose_data(tmp_path, Request("x", "here", images=(tmp_path,)), print)


def test_an_unknown_data_set_names_the_nearest(tmp_path):
    """A typing error is told from a missing preset."""
    with pytest.raises(ParameterError, match="did you mean 'phantom'"):
        choose_data(tmp_path, Request("x", "phantoms"), print)


def test_a_wrong_model_stops_before_anything_is_changed(repository, tmp_path):
    """The data stay as they are, and no folder is written."""
    (tmp_path / "params.yaml").write_text((repository / "params.yaml").read_text())
    with pytest.raises(ModelError, match="PYTHONPATH"):
        audit(tmp_path, Request("python:no_such_module:load", "phantom"), print)
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]


@pytest.mark.parametrize("option", [{"size": 64}, {"batch_size": 2}])
def test_options_of_models_have_no_meaning_for_samples(repository, tmp_path, option):
    """They are refused, not ignored."""
    (tmp_path / "params.yaml").write_text((repository / "params.yaml").read_text())
    with pytest.raises(ParameterError, match="has no meaning for samples:"):
        audit(tmp_path, Request(f"samples:{tmp_path}", "here", **option), print)


def test_a_list_that_is_not_there_is_refused(tmp_path):
    """Else every image would be tested."""
    with pytest.raises(DataError, match=r"--seen names .* not a file"):
        running._seen(tmp_path, tmp_path / "absent.csv", print)
