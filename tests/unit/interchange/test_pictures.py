from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonegap.interchange.pictures import pictures_in, without_pictures


def svg(inner: str) -> str:
    content = f'<svg xmlns="http://www.w3.org/2000/svg">{inner}</svg>'.encode()
    return "data:image/svg+xml;base64," + base64.b64encode(content).decode()


DRAWN = svg("<path d='M0 0'/>")
PICTURES = [
    "data:image/png;base64,iVBORw0KGgo=",
    "DATA:image/JPEG;base64,/9j/",
    "data:image/webp;charset=utf-8;base64,UklG",
    "data:image/svg+xml,%3Csvg%3E%3C/svg%3E",  # not base64: it is not looked into
    "data:image/svg+xml;base64,!!!!",
    svg('<image href="x.png"/>'),
    svg('<IMAGE xlink:href="x"/>'),
    svg('<style>a{fill:url("data:image/png;base64,aa")}</style>'),
]


@pytest.mark.parametrize("address", PICTURES)
def test_pictures_are_replaced(address):
    """A raster, an SVG with one, and whatever cannot be looked into count as pictures."""
    text, count = without_pictures(f"<p><img src='{address}'>after")
    assert (count, pictures_in(text)) == (1, 0)
    assert address not in text
    assert text.endswith("'>after")


def test_drawings_stay_byte_by_byte():
    """Lines and letters are no picture."""
    page = f"<img src='{DRAWN}'> and text about data:image/ formats"
    assert without_pictures(page) == (page, 0)


@given(st.lists(st.sampled_from([DRAWN, *PICTURES])), st.text(alphabet="<>a \"'", max_size=5))
def test_nothing_but_pictures_changes(addresses, between):
    """The count is that of the pictures, a second pass finds none, drawings keep their number."""
    page = between.join(f'"{address}"' for address in addresses)
    text, count = without_pictures(page)
    assert count == sum(address != DRAWN for address in addresses)
    assert without_pictures(text) == (text, 0)
    assert text.count(DRAWN) == page.count(DRAWN)
