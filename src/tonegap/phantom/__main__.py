"""Write an annotation table of phantoms: ``python -m tonegap.phantom --help``.

It makes ``annotations.csv`` and ``foreign.csv`` beside it. Use it to change the phantoms or to
make a data set with another truth.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from tonegap.phantom.foreign import foreign_table
from tonegap.phantom.mixtures import RECIPES
from tonegap.phantom.recipes import annotation_table

FOREIGN = "foreign"


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the table that the arguments define and write it as CSV."""
    parser = argparse.ArgumentParser(prog="python -m tonegap.phantom", description=__doc__)
    parser.add_argument("--recipe", default="default", choices=[*RECIPES, FOREIGN])
    parser.add_argument("--seed", default=7, type=int, help="seed of all draws")
    parser.add_argument("--out", required=True, type=Path, help="file to write")
    asked = parser.parse_args(arguments)
    if asked.recipe == FOREIGN:
        table = foreign_table(seed=asked.seed)
    else:
        table = annotation_table(asked.recipe, seed=asked.seed)
    asked.out.write_bytes(table.to_csv(index=False, lineterminator="\n").encode())


if __name__ == "__main__":
    main()
