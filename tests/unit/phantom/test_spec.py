from __future__ import annotations

import dataclasses

import pytest

from tonegap.errors import DataError
from tonegap.phantom.spec import PREFIX, Copy, PhantomSpec, format_url, parse_url

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
    lighting=1.3,
    shading=0.3,
    background=0.1,
    upside_down=True,
    width=96,
    height=80,
)
COPIED = dataclasses.replace(SPEC, copy=Copy(resize=0.5, crop=0.05, flip=True))


def test_url_is_pinned() -> None:
    """The form of version 1 does not change: tables in the world hold such urls."""
    assert format_url(COPIED) == (
        "phantom:v1?melanin=0.05&blood=0.02&family=plaque&lesion_seed=1&size=0.5&severity=0.8"
        "&irregularity=0.3&skin_seed=3&roughness=0.12&slope=2.0&source=a&quality=92&crop=0.0"
        "&watermark=0&lighting=1.3&shading=0.3&background=0.1&upside_down=1&width=96&height=80"
        "&copy_resize=0.5&copy_quality=90&copy_crop=0.05&copy_flip=1&copy_watermark=0"
    )


@pytest.mark.parametrize("spec", [SPEC, COPIED])
def test_url_gives_back_the_specification(spec: PhantomSpec) -> None:
    """parse_url undoes format_url."""
    assert parse_url(format_url(spec)) == spec


def test_original_of_a_copy_is_what_it_copies() -> None:
    """A copy knows its original, and an original is its own."""
    assert COPIED.original == SPEC
    assert SPEC.original == SPEC


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("phantom:v1?", "phantom:v2?", "must begin with"),
        ("phantom:v1?", "http://v1?", "must begin with"),
        ("melanin=0.05&", "", "lacks 'melanin'"),
        ("melanin=0.05", "melanim=0.05", "did you mean 'melanin'"),
        ("melanin=0.05", "melanin=0.05&melanin=0.06", "twice"),
        ("melanin=0.05", "melanin", "not key=value"),
        ("melanin=0.05", "melanin=%FF", "not key=value"),
        ("melanin=0.05", "melanin=", "not of type float"),
        ("melanin=0.05", "melanin=nan", "not of type float"),
        ("melanin=0.05", "melanin=inf", "not of type float"),
        ("melanin=0.05", "melanin=-0.1", "not of type float"),
        ("melanin=0.05", "melanin=0.9", "outside 0.0 to 0.5"),
        ("width=96", "width=100000", "outside 16 to 1024"),
        ("width=96", "width=9999999999999999999", "not of type int"),
        ("width=96", "width=96.0", "not of type int"),
        ("width=96", "width=٩٦", "not of type int"),
        ("watermark=0", "watermark=yes", "not of type bool"),
        ("family=plaque", "family=plague", "did you mean 'plaque'"),
        ("source=a", "source=../etc", "a publisher's name has"),
        ("copy_flip=1", "copy_flop=1", "did you mean 'flip'"),
        ("copy_resize=0.5", "copy_resize=99", "outside 0.25 to 4.0"),
        ("&copy_resize=0.5", "", "lacks 'resize'"),
        ("source=a", "source=" + "a" * 3000, "characters cannot be drawn"),
    ],
)
def test_malformed_urls_are_refused(old: str, new: str, message: str) -> None:
    """Each fault of a url is a DataError of one short line that names it."""
    url = format_url(COPIED)
    assert old in url
    with pytest.raises(DataError, match=message.replace("?", r"\?")) as caught:
        parse_url(url.replace(old, new, 1))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("knobs", [{"melanin": float("nan")}, {"size": 0.0}, {"quality": 0}])
def test_impossible_knobs_are_refused(knobs: dict[str, float]) -> None:
    """A specification cannot hold a value out of range, NaN included."""
    with pytest.raises(DataError, match=next(iter(knobs))):
        dataclasses.replace(SPEC, **knobs)


def test_prefix_names_the_version() -> None:
    """The scheme that tells phantoms from web addresses, and its version, open the url."""
    assert PREFIX == "phantom:v1?"
