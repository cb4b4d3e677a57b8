"""The stage ``assess`` of an audit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from audited import COUNT, IDS, SIZE, Blurs

from tonegap.errors import DataError, ModelError
from tonegap.files.examples import read_examples
from tonegap.model.baselines import JpegBaseline
from tonegap.model.pixels import to_model_range


def test_every_image_of_the_cohort_is_measured(audited):
    """Errors, sigma and the JPEG baseline are those of direct computation."""
    table, facts = audited.run(audited.plan())
    images = to_model_range(np.load(audited.folder / "images.npy")).double()
    model = Blurs()
    with torch.no_grad():
        again = model.reconstruct(images.float()).double()
    assert table["md5hash"].tolist() == IDS
    errors = (again - images).square().flatten(1).mean(dim=1)
    assert table["mse"].to_numpy() == pytest.approx(errors.numpy(), rel=1e-5)
    sigma = model.posterior_std(images)
    assert table["sigma"].to_numpy() == pytest.approx(sigma.numpy(), rel=1e-5)
    jpeg = JpegBaseline(audited.params.evaluate.jpeg_quality).reconstruct(images.float())
    of_jpeg = (jpeg - images).square().flatten(1).mean(dim=1)
    assert table["mse_jpeg"].to_numpy() == pytest.approx(of_jpeg.numpy(), rel=1e-5)
    assert facts["settings"]["images"] == "phantom"
    assert facts["seen"] == {"listed": 0, "left_out": 0}
    assert facts["model"]["name"] == "Blurs"


class Killed(BaseException):
    """As a signal would end the process."""


def test_a_killed_run_goes_on_where_it_was(audited):
    """Batches that were measured are not measured again, and the table is the same."""
    undisturbed, _ = audited.run(audited.plan())
    made = []

    class Dies(Blurs):
        def reconstruct(self, images):
            if len(images) != 2 and made[-1].batches == 3:  # the probe, then two batches
                raise Killed
            return super().reconstruct(images)

    def dies():
        made.append(Dies())
        return made[-1]

    with pytest.raises(Killed):
        audited.run(audited.plan(dies))

    def finishes():
        made.append(type("Dies", (Blurs,), {})())
        return made[-1]

    resumed, _ = audited.run(audited.plan(finishes))
    batches = -(-COUNT // 5)
    assert made[-1].batches == 1 + (batches - 2) + 2  # the probe, the rest, two groups' examples
    pd.testing.assert_frame_equal(resumed, undisturbed, check_exact=True)
    assert list((audited.folder / "cache" / "audits").iterdir()) == []


def test_other_weights_start_afresh(audited):
    """What was kept of another model is not used."""
    half, _ = audited.run(audited.plan())
    third, _ = audited.run(audited.plan(lambda: Blurs(0.3)))
    assert (third["mse"] > half["mse"]).all()


def test_images_seen_in_training_are_left_out_with_their_copies(audited):
    """The first image is on the list, the fourth is a copy of it."""
    (audited.folder / "seen.txt").write_text(f"{IDS[0]}\n{'f' * 32}\n")
    table, facts = audited.run(audited.plan())
    assert table["md5hash"].tolist() == [name for name in IDS if name not in {IDS[0], IDS[3]}]
    assert facts["seen"] == {"listed": 2, "left_out": 2}
    whole, _ = audited.run(audited.plan(batch_size=1))
    pd.testing.assert_series_equal(whole["mse"], table["mse"], rtol=1e-6)


def test_a_whole_cluster_leaves_with_one_seen_image(audited):
    """As the other images of a patient do, which are no copies."""
    cohort = pd.read_csv(audited.folder / "cohort.csv", dtype=str)
    cohort.loc[cohort["md5hash"].isin(IDS[5:8]), "cluster"] = IDS[5]
    cohort.to_csv(audited.folder / "cohort.csv", index=False)
    (audited.folder / "seen.txt").write_text(IDS[6])
    assert audited.run(audited.plan())[1]["seen"] == {"listed": 1, "left_out": 3}


def test_a_model_that_saw_everything_cannot_be_tested(audited):
    """An empty table would say nothing of the reason."""
    (audited.folder / "seen.txt").write_text("\n".join(IDS))
    with pytest.raises(DataError, match=f"trained on all {COUNT} images"):
        audited.run(audited.plan())


def test_a_model_that_changed_since_it_was_declared_is_refused(audited):
    """The report would name the wrong weights."""
    plan = audited.plan()
    audited.plan(lambda: Blurs(0.4))
    with pytest.raises(ModelError, match=r"tensors changed; run `tonegap audit python:users"):
        audited.run(plan)


def test_packed_images_of_another_size_are_refused(audited):
    """As after an edit of data.image_size."""
    with pytest.raises(DataError, match=f"holds images of {SIZE} px, but the audit is of 8 px"):
        audited.run(audited.plan(size=8))


def test_photographs_are_no_phantoms(audited):
    """One image that tonegap did not render makes all of them private: no pixel is kept."""
    fetch = pd.read_csv(audited.folder / "fetch.csv")
    fetch.loc[5, "status"] = "verified"
    fetch.to_csv(audited.folder / "fetch.csv", index=False)
    assert audited.run(audited.plan())[1]["settings"]["images"] == "photographs"
    shown = read_examples((audited.folder / "examples.npz").read_bytes())
    assert not shown.rendered
    assert not shown.originals


def test_a_model_of_images_in_0_1_is_warned_of(audited, capsys):
    """Its errors would all be wrong."""

    class Positive(Blurs):
        def reconstruct(self, images):
            return (super().reconstruct(images) + 1.0) / 2.0

    audited.run(audited.plan(Positive))
    assert "a model of images in [0, 1] must map them" in capsys.readouterr().err


def test_progress_and_cost_are_said(audited, capsys):
    """How many images, how fast, how much memory."""
    audited.run(audited.plan())
    said = capsys.readouterr().err
    assert f"tonegap assess: {COUNT} images, in " in said
    assert "GB of memory at most" in said


@pytest.mark.gpu
def test_a_gpu_gives_the_same_numbers(audited, monkeypatch):
    """Up to rounding of float32."""
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    on_cpu, _ = audited.run(audited.plan())
    monkeypatch.setattr("audited.CPU", torch.device("cuda"))

    class Moves(Blurs):
        def __init__(self):
            super().__init__()
            self.share = torch.nn.Parameter(self.share.data.cuda())
            self.network = torch.nn.ParameterList([self.share])

    on_gpu, _ = audited.run(audited.plan(Moves))
    pd.testing.assert_series_equal(on_gpu["mse"], on_cpu["mse"], rtol=1e-4)
