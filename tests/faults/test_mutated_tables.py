"""Mutated parameter files and index tables: valid, or refused in one line."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
from PIL import Image

from tonegap.duplicates.candidates import PAIR_COLUMNS
from tonegap.duplicates.clustering import clusters
from tonegap.duplicates.pairs import near_duplicate_pairs
from tonegap.errors import DataError, TonegapError
from tonegap.files.parameters import read_params
from tonegap.files.tables import read_csv, write_csv
from tonegap.fingerprint.measures import COLUMNS, fingerprint
from tonegap.fingerprint.table import fingerprint_table

WORDS = ["[", "]", "{", "}", ":", "- ", "\t", "&a", "*a", "!!python/object:os.system", "|", "NaN"]
WORDS += [
    "\n",
    "#",
    "'",
    '"',
    "1e999",
    "-1",
    "null",
    "true",
    "\x00",
    "\ud7ff",
    "<<: *a",
    "%",
    "-.inf",
]


def require_one_line(error):
    assert len(str(error).splitlines()) == 1


def mutated(text, chance, words):
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(text) + 1)
        length = chance.choice((0, 1, 3, 12))
        text = text[:at] + chance.choice([*words, ""]) + text[at + length :]
    return text


def test_mutated_parameters_are_read_or_refused(repository, tmp_path):
    """150 mutants of params.yaml: parameters, or an error of one line."""
    whole, chance = (repository / "params.yaml").read_text(), random.Random(3)  # noqa: S311  mutations need no secrecy
    refused = 0
    for _ in range(150):
        lines = whole.splitlines(keepends=True)
        aimed = [n for n, line in enumerate(lines) if line.strip() and "#" not in line]
        at = chance.choice(aimed)  # comments are most of the file and carry nothing
        lines[at] = mutated(lines[at], chance, WORDS)
        (tmp_path / "params.yaml").write_text("".join(lines), encoding="utf-8")
        try:
            read_params(tmp_path / "params.yaml")
        except TonegapError as error:
            require_one_line(error)
            refused += 1
    assert refused > 75


@pytest.fixture(scope="module")
def index_text(tmp_path_factory):
    """Text of an index of five pictures."""
    rows = []
    for seed in range(5):
        small = np.random.default_rng(seed % 3).integers(40, 215, (5, 6, 3), dtype=np.uint8)
        stream = io.BytesIO()
        Image.fromarray(small).resize((60, 44)).save(stream, "JPEG", quality=80 + seed)
        rows.append(fingerprint("abcde"[seed] * 32, stream.getvalue()))
    path = tmp_path_factory.mktemp("index") / "index.csv"
    write_csv(fingerprint_table(rows), path)
    return path.read_text()


def test_mutated_indexes_give_pairs_or_are_refused(index_text, tmp_path):
    """150 mutants of index.csv: pairs of images that are in it, or an error of one line."""
    chance = random.Random(5)  # noqa: S311  mutations need no secrecy
    words = [",", "\n", '"', "=1+1", "g", "0", ",,", "True", "\u00e9", "1e999"]
    for _ in range(150):
        (tmp_path / "index.csv").write_text(mutated(index_text, chance, words), encoding="utf-8")
        try:
            index = read_csv(tmp_path / "index.csv", COLUMNS, "the index")
            pairs = near_duplicate_pairs(index, 6)
        except TonegapError as error:
            require_one_line(error)
            continue
        assert list(pairs.columns) == list(PAIR_COLUMNS)
        names = set(index["md5hash"].dropna())
        assert set(pairs["md5hash_a"]) | set(pairs["md5hash_b"]) <= names
        assert set(clusters(sorted(names), pairs)) <= names


def test_an_index_of_another_version_is_refused_by_column(index_text, tmp_path):
    """A table without a column that the search needs names it."""
    (tmp_path / "index.csv").write_text(index_text.replace("phash_crops", "other"))
    with pytest.raises(DataError, match="phash_crops"):
        near_duplicate_pairs(read_csv(tmp_path / "index.csv", ["md5hash"], "the index"), 6)
