from __future__ import annotations

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from tonegap import tone
from tonegap.errors import DataError
from tonegap.phantom import optics
from tonegap.phantom.lesions import FAMILIES
from tonegap.phantom.render import jpeg_from_url, render, render_jpeg
from tonegap.phantom.spec import Copy, PhantomSpec, format_url

SPEC = PhantomSpec(
    melanin=0.05,
    blood=0.02,
    family="plaque",
    lesion_seed=1,
    size=0.5,
    severity=0.8,
    irregularity=0.3,
    skin_seed=3,
    roughness=0.12,
    slope=2.0,
    source="a",
    quality=92,
    crop=0.0,
    watermark=False,
    lighting=1.0,
    shading=0.3,
    background=0.2,
    upside_down=False,
    width=96,
    height=80,
)
PLAIN = dataclasses.replace(SPEC, roughness=0.0, shading=0.0, background=0.0, severity=0.0)


def _changed(spec: PhantomSpec = SPEC, **knobs: object) -> PhantomSpec:
    return dataclasses.replace(spec, **knobs)


def _copied(**changes: object) -> PhantomSpec:
    return _changed(copy=Copy(**changes))


def _decoded(spec: PhantomSpec) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(render_jpeg(spec))))


def test_a_url_always_gives_the_same_bytes() -> None:
    """Rendering is a function of the url: no clock, no global seed."""
    first = jpeg_from_url(format_url(SPEC))
    np.random.seed(5)  # noqa: NPY002 - the global seed must not matter
    assert jpeg_from_url(format_url(SPEC)) == first


def test_the_file_is_a_bare_jpeg() -> None:
    """The file has the size asked for, RGB, and no metadata."""
    image = Image.open(io.BytesIO(render_jpeg(SPEC)))
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (96, 80))
    assert not image.getexif()
    assert "exif" not in image.info


def test_bad_urls_are_refused() -> None:
    """A url that is no phantom's raises DataError before anything is drawn."""
    with pytest.raises(DataError, match="must begin with"):
        jpeg_from_url("file:///etc/passwd")


@pytest.mark.parametrize("melanin", [0.015, 0.1, 0.3, 0.45])
def test_even_skin_has_the_colour_of_the_model(melanin: float) -> None:
    """Without lesion, texture, shading and cloth each pixel is the optical model's colour."""
    pixels = render(_changed(PLAIN, melanin=melanin))
    light = optics.linear_rgb(np.array(melanin), np.array(0.02))
    srgb = np.where(light > 0.0031308, 1.055 * light ** (1 / 2.4) - 0.055, 12.92 * light) * 255
    assert np.abs(pixels - srgb).max() <= 1.5


@pytest.mark.parametrize("family", FAMILIES)
def test_one_structure_under_every_tone(family: str) -> None:
    """Melanin moves the tone; the lesion stays in its place, whatever the family."""

    def lesion(melanin: float) -> np.ndarray:
        skin = _changed(PLAIN, melanin=melanin, family=family)
        bare, ill = (tone.lab(render(_changed(skin, severity=s))) for s in (0.0, 1.0))
        return np.abs(bare - ill).sum(axis=2)

    light, dark = lesion(0.05), lesion(0.2)
    assert light.max() > 3.0
    assert dark.max() > 3.0
    assert np.corrcoef(light.ravel(), dark.ravel())[0, 1] > 0.9


def test_tone_of_the_picture_falls_with_melanin() -> None:
    """Pictures with every other knob equal have a lower typology angle with more melanin."""
    angles = [tone.mean_ita(render(_changed(melanin=m))) for m in (0.015, 0.05, 0.12, 0.25, 0.42)]
    assert np.all(np.diff(angles) < -5.0)


def test_severity_zero_shows_no_lesion() -> None:
    """At severity 0 the lesion's seed and family do not matter."""
    first = render(_changed(severity=0.0))
    second = render(_changed(severity=0.0, lesion_seed=99, family="nevus"))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_background_covers_its_share(share: float) -> None:
    """Cloth hides the share of the picture that was asked for."""
    bare, covered = render(_changed(background=0.0)), render(_changed(background=share))
    assert (bare != covered).any(axis=2).mean() == pytest.approx(share, abs=0.03)


def test_lighting_and_shading_dim_the_picture() -> None:
    """Half the light is darker everywhere; shading darkens one end only."""
    full = render(_changed(background=0.0, shading=0.0)).astype(float)
    half = render(_changed(background=0.0, shading=0.0, lighting=0.5)).astype(float)
    shaded = render(_changed(background=0.0, shading=0.8)).astype(float)
    assert (half < full).all()
    fall = (shaded - full).mean(axis=(1, 2))
    assert fall[-1] < fall[0] - 30.0


def test_upside_down_is_a_mirror_image() -> None:
    """Turning over is exactly a flip of the published pixels, and JPEG treats both alike."""
    published = _changed(watermark=True, crop=0.08, quality=72)
    turned = dataclasses.replace(published, upside_down=True)
    np.testing.assert_array_equal(render(turned), render(published)[::-1])
    difference = _decoded(turned).astype(float) - _decoded(published)[::-1]
    assert np.abs(difference).mean() < 0.5


@pytest.mark.parametrize(
    ("family", "mean", "deviation"),
    [
        ("plaque", (159.6, 133.8, 117.7), 37.5),
        ("nevus", (146.2, 121.8, 104.5), 46.7),
        ("vitiligo", (164.7, 144.0, 128.0), 37.6),
        ("papules", (160.3, 135.2, 118.7), 37.0),
        ("rash", (156.9, 127.6, 112.7), 37.1),
        ("annular", (160.2, 135.2, 118.8), 37.3),
    ],
)
def test_version_1_draws_what_it_always_drew(
    family: str, mean: tuple[float, float, float], deviation: float
) -> None:
    """A change that moves these needs a new version in the url, for tables hold urls only."""
    pixels = render(_changed(family=family, watermark=True, crop=0.1))
    np.testing.assert_allclose(pixels.mean(axis=(0, 1)), mean, atol=0.3)
    assert pixels.std() == pytest.approx(deviation, abs=0.3)


def test_a_source_crops_compresses_and_captions() -> None:
    """Each habit of a source changes the picture and leaves its size."""
    plain = render(SPEC)
    cropped, captioned = render(_changed(crop=0.2)), render(_changed(watermark=True))
    assert cropped.shape == captioned.shape == plain.shape
    assert (cropped != plain).any(axis=2).mean() > 0.5
    changed = np.flatnonzero((captioned != plain).any(axis=(1, 2)))
    assert 0 < len(changed) < 0.15 * len(plain)
    assert len(render_jpeg(_changed(quality=50))) < 0.7 * len(render_jpeg(SPEC))


def test_the_name_of_a_source_is_no_knob() -> None:
    """Only what a source does changes the picture, not what it is called."""
    assert render_jpeg(_changed(source="z")) == render_jpeg(SPEC)


def test_a_flipped_copy_is_the_mirrored_original() -> None:
    """A flip mirrors the decoded original's pixels, exactly."""
    np.testing.assert_array_equal(render(_copied(flip=True)), _decoded(SPEC)[:, ::-1])


@pytest.mark.parametrize(("factor", "shape"), [(0.5, (40, 48)), (1.5, (120, 144))])
def test_a_resized_copy_has_its_size(factor: float, shape: tuple[int, int]) -> None:
    """Resizing scales both sides and keeps the picture."""
    copy = render(_copied(resize=factor))
    assert copy.shape[:2] == shape
    back = np.asarray(Image.fromarray(copy).resize((96, 80))).astype(float)
    assert np.abs(back - _decoded(SPEC)).mean() < 8.0


def test_a_cropped_copy_is_the_middle_of_the_original() -> None:
    """Cropping takes half the share off each end and resizes nothing."""
    copy = render(_copied(crop=0.1))
    np.testing.assert_array_equal(copy, _decoded(SPEC)[4:-4, 5:-5])


def test_a_recoded_copy_differs_by_coding_only() -> None:
    """Low quality makes a smaller file of nearly the same pixels."""
    copy = _copied(quality=40)
    assert len(render_jpeg(copy)) < len(render_jpeg(SPEC))
    assert np.abs(_decoded(copy).astype(float) - _decoded(SPEC)).mean() < 6.0


def test_a_captioned_copy_keeps_the_rest() -> None:
    """A caption changes a few rows and nothing else."""
    rows = (render(_copied(watermark=True)) != _decoded(SPEC)).any(axis=(1, 2))
    assert 0 < rows.sum() < 0.15 * len(rows)
