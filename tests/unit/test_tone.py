from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage.color import rgb2lab

from tonegap import tone


def test_lab_agrees_with_scikit_image() -> None:
    """lab() gives scikit-image's CIELAB for random colours and for the corners of the cube."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    image[0, :8] = np.array([[(k >> s & 1) * 255 for s in range(3)] for k in range(8)])
    np.testing.assert_allclose(tone.lab(image), rgb2lab(image), atol=0.02)


@pytest.mark.parametrize(
    ("lightness", "b", "degrees"),
    [(50.0, 10.0, 0.0), (60.0, 10.0, 45.0), (40.0, 10.0, -45.0), (50.0 + 3**0.5, 1.0, 60.0)],
)
def test_ita_is_the_angle_of_chardon(lightness: float, b: float, degrees: float) -> None:
    """ITA is arctan((L* - 50) / b*) in degrees."""
    assert tone.ita_degrees(np.array(lightness), np.array(b)) == pytest.approx(degrees)


@pytest.mark.parametrize(
    ("ita", "name"),
    [
        (90.0, "very light"),
        (55.1, "very light"),
        (55.0, "light"),
        (41.1, "light"),
        (41.0, "intermediate"),
        (28.0, "tan"),
        (10.1, "tan"),
        (10.0, "brown"),
        (-29.9, "brown"),
        (-30.0, "dark"),
        (-90.0, "dark"),
    ],
)
def test_ita_class_bounds_are_exclusive_below(ita: float, name: str) -> None:
    """A class begins above its bound, as published."""
    assert tone.ita_class(ita) == name


def _flat(rgb: tuple[int, int, int], height: int = 70, width: int = 90) -> np.ndarray:
    return np.full((height, width, 3), rgb, dtype=np.uint8)


def test_mean_ita_of_even_skin_is_that_of_its_colour() -> None:
    """A patch of one colour has that colour's angle."""
    image = _flat((214, 168, 140))
    colour = rgb2lab(image)[0, 0]
    expected = np.degrees(np.arctan2(colour[0] - 50.0, colour[2]))
    assert tone.mean_ita(image) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("cloth", [(20, 60, 150), (30, 120, 60), (128, 128, 128), (255, 255, 255)])
def test_mean_ita_does_not_see_cloth(cloth: tuple[int, int, int]) -> None:
    """Background of blue, green, grey or white over most of the picture changes nothing."""
    image = _flat((160, 110, 80))
    bare = tone.mean_ita(image)
    image[:50] = cloth
    assert tone.mean_ita(image) == pytest.approx(bare, abs=0.1)


def test_mean_ita_does_not_see_a_lesion() -> None:
    """A lesion over 40 % of the skin leaves the median, and so the angle, where it was."""
    image = _flat((214, 168, 140))
    bare = tone.mean_ita(image)
    image[:28] = (90, 40, 30)
    assert tone.mean_ita(image) == pytest.approx(bare, abs=0.1)


@pytest.mark.parametrize("grey", [0, 1, 128, 255])
@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (64, 64)])
def test_mean_ita_is_never_nan(grey: int, shape: tuple[int, int]) -> None:
    """Pictures without any skin get a finite number."""
    assert abs(tone.mean_ita(_flat((grey, grey, grey), *shape))) <= 180.0


def test_mean_ita_hardly_depends_on_the_resolution() -> None:
    """The angle of a thumbnail is within a degree or two of the picture's."""
    rng = np.random.default_rng(0)
    noise = rng.normal(0.0, 6.0, (512, 512, 3))
    image = np.clip(np.array([180, 130, 100]) + noise, 0, 255).astype(np.uint8)
    small = np.asarray(Image.fromarray(image).resize((96, 96), Image.Resampling.BOX))
    assert tone.mean_ita(small) == pytest.approx(tone.mean_ita(image), abs=2.0)


def test_mean_ita_of_originals_falls_with_fitzpatrick_type(originals) -> None:
    """On real photographs, light groups have a clearly higher median angle than dark ones."""
    table = pd.read_csv(originals / "fitzpatrick17k.csv").set_index("md5hash")
    files = sorted((originals / "images").iterdir())[:240]
    fst = np.array([table.loc[f.stem, "fitzpatrick_scale"] for f in files])
    ita = np.array([tone.mean_ita(_thumbnail(f)) for f in files])
    light, dark = np.median(ita[(fst == 1) | (fst == 2)]), np.median(ita[fst >= 5])
    assert light - dark > 30.0


def _thumbnail(file) -> np.ndarray:
    with Image.open(file) as image:
        image.draft("RGB", (128, 128))
        return np.asarray(image.convert("RGB").resize((128, 128)))
