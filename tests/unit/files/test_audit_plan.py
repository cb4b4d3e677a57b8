"""audits/NAME/params.yaml."""

from __future__ import annotations

import pytest

from tonegap.errors import ParameterError
from tonegap.files.audit_plan import AuditPlan, PlannedModel, read_plan, read_seen, write_plan

PLAN = AuditPlan(
    data="here",
    size=128,
    images="data/size-128",
    batch_size=8,
    model=PlannedModel(
        reference="diffusers:owner/name",
        name="AutoencoderKL",
        library="diffusers 0.42.1",
        revision="0123456",
        licence="mit",
        weights={"diffusion_pytorch_model.safetensors": "ab" * 32},
    ),
)


def test_a_plan_reads_back(tmp_path):
    """What is written is read, and writing it again gives the same bytes."""
    path = tmp_path / "a" / "params.yaml"
    write_plan(PLAN, path)
    before = path.read_bytes()
    assert read_plan(path) == PLAN
    write_plan(read_plan(path), path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("size: 128", "size: 0", "size"),
        ("images: data/size-128", "images: ../elsewhere", "images"),
        ("data: here", "data: here\nextra: 1", "extra"),
        ("batch_size: 8", "batch_size: x", "batch_size"),
    ],
)
def test_an_edited_plan_is_refused(tmp_path, old, new, message):
    """The message names the key and the command that writes the file."""
    path = tmp_path / "params.yaml"
    write_plan(PLAN, path)
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ParameterError, match=rf"{message}.*run `tonegap audit` again"):
        read_plan(path)


def test_no_list_of_seen_images_is_an_empty_one(tmp_path):
    """The file is only there if a list was given."""
    assert read_seen(tmp_path / "seen.txt") == frozenset()
