"""Colours of the page can be read in both modes."""

from __future__ import annotations

import re
from importlib import resources

import pytest

AA_TEXT, AA_GRAPHICS = 4.5, 3.0  # WCAG 2.2, 1.4.3 and 1.4.11
TEXT = [
    *(("ink", ground) for ground in ("paper", "panel", "d1", "d2", "d3", "d4")),
    *(("ink", ground) for ground in ("l1", "l2", "l3", "l4", "open-bg")),
    *(("soft", ground) for ground in ("paper", "panel")),
    ("link", "paper"),
    ("link", "panel"),
    ("good", "good-bg"),
    ("bad", "bad-bg"),
    ("open", "open-bg"),
    ("none", "none-bg"),
]
GRAPHICS = [(colour, "paper") for colour in ("light", "dark", "good", "bad", "open", "focus")]


def _palettes():
    css = resources.files("tonegap.report").joinpath("templates", "page.css").read_text("utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]
    colours = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", part)) for part in (light, dark)]
    return {"light": colours[0], "dark": colours[0] | colours[1]}


def _luminance(colour):
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(one, other):
    bright, faint = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (faint + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_and_drawings_stand_out(mode):
    """Every pair of colours that the page uses reaches level AA."""
    palette = _palettes()[mode]
    for pairs, least in ((TEXT, AA_TEXT), (GRAPHICS, AA_GRAPHICS)):
        for front, back in pairs:
            ratio = _contrast(palette[front], palette[back])
            assert ratio >= least, f"{front} on {back}: {ratio:.2f}"
