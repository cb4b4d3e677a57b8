"""The map of the tree: one line per file, taken from the files' own first lines.

``python tests/support/tree_map.py`` writes it into docs/map.md (`make map`); a test compares.
"""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

START, END = "<!-- map: written by `make map` -->", "<!-- end of map -->"
PAGE = Path("docs/map.md")
_FOLDERS = ("src/tonegap/", "benchmarks/", "studies/", "docs/")
_CODE = (".py", ".yaml", ".md", ".csv")


def tree_map(root: Path) -> str:
    """Give the map of all tracked files of the product, as a Markdown code block."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *_FOLDERS],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    lines, folder = [], ""
    for name in sorted(set(listed), key=lambda n: (Path(n).parent.as_posix(), n)):
        path = Path(name)
        if path.suffix not in _CODE or not (root / path).is_file():
            continue
        line = _first_line(root / path)
        if not line:
            continue
        if path.parent.as_posix() != folder:
            folder = path.parent.as_posix()
            lines.append(f"{folder}/")
        lines.append(f"  {path.name:<24} {line}")
    return "\n".join([START, "```", *lines, "```", END])


def _first_line(path: Path) -> str:
    if path.suffix == ".py":
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        return docstring.split("\n\n")[0].replace("\n", " ")
    text = path.read_text(encoding="utf-8").splitlines()
    if path.suffix == ".csv":
        return "a table: " + ", ".join(text[0].split(",")[:4]) + ", ..."
    return text[0].lstrip("# ").strip() if text else ""


def main() -> None:
    """Write the map into its page."""
    root = Path(__file__).resolve().parents[2]
    page = root / PAGE
    before, rest = page.read_text(encoding="utf-8").split(START)
    after = rest.split(END)[1]
    page.write_text(before + tree_map(root) + after, encoding="utf-8")


if __name__ == "__main__":
    main()
