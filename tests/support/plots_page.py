"""The page of ``dvc plots``, with Vega inside it: DVC's own page loads Vega from the network.

``python tests/support/plots_page.py`` writes .dvc/plots/page.html (`make plots-page`); a test
compares. The configuration names that file as ``plots.html_template``, and DVC fails where it
is missing. So it is tracked by git, not made by each clone.
"""

from __future__ import annotations

from pathlib import Path

import vl_convert

PAGE = Path(".dvc/plots/page.html")
TEMPLATE = Path(__file__).with_suffix(".html")
"""The page without Vega; it holds the licences of everything that is bundled."""

_VEGA_LITE = "5.21"  # DVC's templates and ours are written for version 5
_SNIPPET = """
window.vegaEmbed = (target, spec) =>
  vegaEmbed(target, spec, { actions: { editor: false } }).catch((error) => {
    document.querySelector(target).textContent = `This plot cannot be drawn: ${error.message}`;
  });
"""
"""What DVC's page calls. The menu entry that sends a plot to an editor on the web is left out."""


def plots_page() -> str:
    """Give the page as DVC's template: it fills in ``{plot_divs}`` and ``{refresh_tag}``."""
    script = vl_convert.javascript_bundle(_SNIPPET, vl_version=_VEGA_LITE)
    if "</script" in script:
        raise ValueError("the bundle would end its own script element")
    # A function of its own: the bundle's short names must not meet those of DVC's scripts.
    return TEMPLATE.read_text(encoding="utf-8").replace("{bundle}", f"(() => {{{script}}})();")


def main() -> None:
    """Write the page into its place."""
    root = Path(__file__).resolve().parents[2]
    (root / PAGE).write_text(plots_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
