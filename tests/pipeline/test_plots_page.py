"""``dvc plots`` on a clone: its page opens without a network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dvc_render.vega import VegaRenderer
from plots_page import PAGE, plots_page

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_DRAWN = 'class="chart-wrapper'
_NOT_DRAWN = "cannot be drawn"


@pytest.fixture(scope="module")
def page(repository, tmp_path_factory) -> Path:
    """Let DVC write the page of a fresh clone: no data, no cache, nothing generated."""
    clone = tmp_path_factory.mktemp("plots") / "clone"
    subprocess.run(["git", "clone", "--quiet", str(repository), str(clone)], check=True)
    command = [sys.executable, "-m", "dvc", "plots", "diff", "HEAD", "workspace"]
    subprocess.run(command, cwd=clone, check=True, capture_output=True)
    return clone / "dvc_plots" / "index.html"


def test_the_page_is_made_from_its_template_and_vega(repository):
    """The tracked page holds what the locked version of Vega's bundler makes."""
    assert (repository / PAGE).read_text(encoding="utf-8") == plots_page(), "run `make plots-page`"


def test_the_page_defines_what_dvc_calls(repository):
    """DVC's scripts call global functions; the page defines each of them."""
    called = set(re.findall(r"^\s*(\w+)\(", VegaRenderer.DIV, re.MULTILINE))
    assert called == {"vegaEmbed"}, "DVC calls something else: see plots_page.py"
    text = (repository / PAGE).read_text(encoding="utf-8")
    assert all(f"window.{name}=" in text for name in called)


def test_the_page_names_what_it_bundles(repository):
    """The licences stay with the code: they begin the page, and so every page made from it."""
    head = (repository / PAGE).read_text(encoding="utf-8").split("<script>")[0]
    for words in (
        "University of Washington Interactive Data Lab",
        "Mike Bostock",
        "Cynthia Brewer",
    ):
        assert words in head


def test_nothing_is_loaded_from_elsewhere(page):
    """Scripts are in the page, pictures beside it."""
    text = page.read_text(encoding="utf-8")
    markup = re.sub(r"<script>.*?</script>", "", text, count=1, flags=re.DOTALL)  # the bundle
    assert markup.count("vegaEmbed(") >= 5
    assert not re.search(r"<(script|link)[^>]+(src|href)=", markup)
    sources = re.findall(r'src="([^"]+)"', markup)
    assert sources
    assert all((page.parent / source).is_file() for source in sources)


def _opened(page: Path, profile: Path) -> str:
    """Open a page in a browser that resolves no name; give what it then shows, without scripts."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        pytest.skip(f"no browser here: none of {', '.join(_BROWSERS)}")
    options = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}")
    blocked = ("--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=20000")
    done = subprocess.run(
        [browser, *options, *blocked, "--dump-dom", page.as_uri()],
        env={**os.environ, "HOME": str(profile)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return re.sub(r"<script.*?</script>", "", done.stdout, flags=re.DOTALL)


def test_every_plot_is_drawn_without_a_network(page, tmp_path):
    """A browser that reaches nothing draws each plot of the page."""
    plots = page.read_text(encoding="utf-8").count("vegaEmbed('#")
    shown = _opened(page, tmp_path)
    drawn = [part for part in shown.split(_DRAWN)[1:] if "<canvas" in part or "<svg" in part]
    assert len(drawn) == plots >= 5
    assert _NOT_DRAWN not in shown


def test_a_plot_that_cannot_be_drawn_says_so(page, tmp_path):
    """A plot with a fault leaves a sentence in its place; the others are drawn."""
    text = page.read_text(encoding="utf-8")
    broken = page.with_name("broken.html")
    fault = re.sub(r"(vegaEmbed\('#[^']+', )spec\)", r'\1{"mark": 7})', text, count=1)
    broken.write_text(fault, encoding="utf-8")
    shown = _opened(broken, tmp_path)
    assert shown.count(f"This plot {_NOT_DRAWN}: ") == 1
    assert shown.count(_DRAWN) == text.count("vegaEmbed('#") - 1
