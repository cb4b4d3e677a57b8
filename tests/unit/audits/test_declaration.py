"""The folder of an audit: what DVC is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tonegap.audits.declaration import OF_MODELS, OF_SAMPLES, declare, declared, template
from tonegap.errors import ParameterError
from tonegap.files.audit_plan import AuditPlan, PlannedModel, read_seen
from tonegap.files.pictures import OF_AUDITS


def plan(size=32, images="data", reference="diffusers:a/b", data="here"):
    model = PlannedModel(
        reference=reference, name="X", library="y", revision="", licence="", weights={}
    )
    return AuditPlan(data=data, size=size, images=images, batch_size=4, model=model)


def stages(path):
    return YAML(typ="safe").load(path.read_text())["stages"]


def test_the_pipeline_is_the_template_with_the_audits_name(tmp_path):
    """No capitals are left; stages run at the root of the repository."""
    audit = declare(tmp_path, "mine", plan(), OF_MODELS)
    found = stages(audit.pipeline)
    assert tuple(found) == OF_MODELS
    text = audit.pipeline.read_text()
    assert not {"NAME", "IMAGES", "SIZE"} & set(text.replace("/", " ").split())
    assert found["assess"]["wdir"] == "../.."
    assert found["assess"]["cmd"] == "tonegap stage assess --audit mine"
    assert "data/images.npy" in found["assess"]["deps"]
    assert {"audits/mine/params.yaml": None} in found["assess"]["params"]


def test_audits_of_one_size_share_their_packed_images(tmp_path):
    """Two audits at 128 px need one stage; the main pipeline's size needs none."""
    declare(tmp_path, "a", plan(), OF_MODELS)
    shared = tmp_path / "audits" / "dvc.yaml"
    assert not shared.exists()
    for name in ("b", "c"):
        audit = declare(tmp_path, name, plan(128, "data/size-128"), OF_MODELS)
        assert "data/size-128/images.npy" in stages(audit.pipeline)["assess"]["deps"]
    declare(tmp_path, "d", plan(64, "data/size-64"), OF_MODELS)
    found = stages(shared)
    assert tuple(found) == ("prepare-64", "prepare-128")
    assert found["prepare-128"]["cmd"] == "tonegap stage prepare --size 128"
    outs = found["prepare-128"]["outs"]
    assert outs == [{"data/size-128/images.npy": {"push": False}}, "data/size-128/images.csv"]
    declare(tmp_path, "b", plan(), OF_MODELS)
    declare(tmp_path, "c", plan(), OF_MODELS)
    assert tuple(stages(shared)) == ("prepare-64",)


def test_declaring_again_changes_nothing(tmp_path):
    """The same audit gives the same bytes: DVC has nothing to do."""
    audit = declare(tmp_path, "a", plan(), OF_MODELS, ["b" * 32, "a" * 32])
    before = {path: path.read_bytes() for path in audit.root.iterdir()}
    declare(tmp_path, "a", plan(), OF_MODELS, ["a" * 32, "b" * 32])
    assert before == {path: path.read_bytes() for path in audit.root.iterdir()}


def test_a_list_of_seen_images_is_a_dependency_while_it_is_given(tmp_path):
    """Without one the stage does not wait for a file that is not there."""
    audit = declare(tmp_path, "a", plan(), OF_MODELS, ["a" * 32])
    assert "audits/a/seen.txt" in stages(audit.pipeline)["assess"]["deps"]
    assert read_seen(audit.seen) == {"a" * 32}
    declare(tmp_path, "a", plan(), OF_MODELS)
    assert "audits/a/seen.txt" not in stages(audit.pipeline)["assess"]["deps"]
    assert not audit.seen.exists()


def test_generated_images_have_stages_of_their_own(tmp_path):
    """Nothing is reconstructed."""
    audit = declare(tmp_path, "s", plan(reference="samples:x"), OF_SAMPLES)
    assert tuple(stages(audit.pipeline)) == OF_SAMPLES


@pytest.mark.parametrize("changed", [{"reference": "diffusers:c/d"}, {"data": "phantom"}])
def test_an_audit_of_something_else_is_not_overwritten(tmp_path, changed):
    """Another model or other data need another name; another size does not."""
    declare(tmp_path, "a", plan(), OF_MODELS)
    declare(tmp_path, "a", plan(64, "data/size-64"), OF_MODELS)
    with pytest.raises(ParameterError, match=r"is the audit of diffusers:a/b on here.*--name"):
        declare(tmp_path, "a", plan(**changed), OF_MODELS)
    assert declared(tmp_path)["a"].model.reference == "diffusers:a/b"


@pytest.mark.parametrize("name", ["", "../x", "a b", ".hidden", "a/b"])
def test_a_name_is_a_folders(tmp_path, name):
    """Nothing is written outside of audits/."""
    with pytest.raises(ParameterError, match="cannot name an audit"):
        declare(tmp_path, name, plan(), OF_MODELS)
    assert not (tmp_path / "audits").exists()


def test_every_stage_says_what_it_does():
    """`dvc stage list` shows a sentence for each."""
    for stage in template().values():
        assert len(stage["desc"]) > 20


def test_what_may_show_patients_is_pushed_nowhere():
    """Every output that DVC keeps holds numbers that the guard knows, or stays on this machine."""
    pictures = set()
    for stage in template().values():
        for out in stage["outs"]:
            path, options = (out, {}) if isinstance(out, str) else next(iter(out.items()))
            if options.get("cache") is False:
                continue
            if options.get("push") is False:
                pictures.add(path)
            else:
                assert any(Path(path).match(pattern) for pattern in OF_AUDITS), path
    assert pictures == {"data/size-SIZE/images.npy", "audits/NAME/examples.npz"}
