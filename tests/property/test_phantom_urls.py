"""Urls of phantoms: every specification survives, nothing else does harm."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tonegap.errors import DataError
from tonegap.phantom.lesions import FAMILIES
from tonegap.phantom.spec import _RANGES, PREFIX, Copy, PhantomSpec, format_url, parse_url

_INTEGERS = ("lesion_seed", "skin_seed", "quality", "width", "height")


def _numbers(names: list[str]) -> dict[str, st.SearchStrategy]:
    return {
        name: st.integers(*map(int, _RANGES[name]))
        if name in _INTEGERS
        else st.floats(*map(float, _RANGES[name]))
        for name in names
    }


COPIES = st.builds(
    Copy,
    flip=st.booleans(),
    watermark=st.booleans(),
    **_numbers(["resize", "quality", "crop"]),
)
SPECS = st.builds(
    PhantomSpec,
    family=st.sampled_from(sorted(FAMILIES)),
    source=st.from_regex(r"[a-z][a-z0-9]{0,15}", fullmatch=True),
    watermark=st.booleans(),
    upside_down=st.booleans(),
    copy=st.none() | COPIES,
    **_numbers([name for name in _RANGES if name != "resize"]),
)


@given(SPECS)
def test_url_round_trip(spec: PhantomSpec) -> None:
    """Whatever can be specified comes back from its url to the last bit."""
    assert parse_url(format_url(spec)) == spec


@given(SPECS, SPECS)
def test_urls_are_unique(one: PhantomSpec, other: PhantomSpec) -> None:
    """Two specifications share a url only where they are equal, so identifiers do not clash."""
    assert (format_url(one) == format_url(other)) == (one == other)


@given(SPECS, st.data())
def test_damaged_urls_are_refused_in_one_line(spec: PhantomSpec, data: st.DataObject) -> None:
    """A url with any stretch replaced by any text is read or refused as DataError."""
    url = format_url(spec)
    start = data.draw(st.integers(0, len(url)))
    stop = data.draw(st.integers(start, min(len(url), start + 20)))
    _read(url[:start] + data.draw(st.text(max_size=10)) + url[stop:])


@given(st.text(max_size=200))
def test_any_text_is_refused_in_one_line(text: str) -> None:
    """No text raises anything but DataError, with and without the prefix."""
    _read(text)
    _read(PREFIX + text)


def _read(url: str) -> None:
    try:
        assert isinstance(parse_url(url), PhantomSpec)
    except DataError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 - both outcomes are right
