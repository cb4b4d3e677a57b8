"""Tables as they come: every one is read or refused in one line, and no row is lost in silence."""

from __future__ import annotations

import pandas as pd
import pytest
from branches import plain_branch, write_patches
from foreign_forms import converted, named
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from tonegap.cli.app import app
from tonegap.errors import DataError, TonegapError
from tonegap.files.table_formats import read_table
from tonegap.foreign.account import Account
from tonegap.presets.schema import Form, Labels, Tone
from tonegap.tables import LINES

__all__ = ["plain_branch"]

OPTIONS = ["--identifier", "image id", "--fst", "skin type", "--label", "dx"]
IDS = ["01.png", "02.png", "03.png", "04.png"]
ROWS = [["image id", "skin type", "dx"], *([i, "16"[n % 2], "a, b"] for n, i in enumerate(IDS))]


def text(rows=ROWS, delimiter=",", end="\n"):
    """Write a table with every cell quoted."""
    return end.join(delimiter.join(f'"{cell}"' for cell in row) for row in rows) + end


def require_one_line(error):
    assert len(str(error).splitlines()) == 1


def changed(line, column, cell):
    """Give the rows with another cell; line 1 holds the names."""
    rows = [list(row) for row in ROWS]
    rows[line - 1][column] = cell
    return rows


def run(content, folder, names=tuple(IDS), options=OPTIONS, name="t.csv"):
    """Run the command; return its output, or the one line that it raised."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    images = ["--images", str(write_patches(folder / "images", list(names)))] if names else []
    result = CliRunner().invoke(app, ["source", "table", str(path), *options, *images])
    if result.exit_code == 0:
        return result.output
    assert isinstance(result.exception, TonegapError), result.exception
    assert len(str(result.exception).splitlines()) == 1
    return f"error: {result.exception}"


@pytest.mark.parametrize(
    "content",
    [
        text(),
        b"\xef\xbb\xbf" + text().encode(),
        text(end="\r\n"),
        text(delimiter=";"),
        text(delimiter="\t"),
        text(changed(2, 2, "na\u00efve")).encode("cp1252"),
        text([[f" {cell} " for cell in row] for row in ROWS]),
        text(changed(2, 0, "DATA\\IMAGES\\01.PNG")),
        text(changed(2, 0, "data/01.JPG")),
        text(changed(2, 0, "01")),
        text(changed(2, 2, "True")),
        text([*ROWS, ["", "", ""]][:5]),
    ],
)
def test_harmless_variants_give_every_row_and_image(content, plain_branch, tmp_path):
    """Marks, line ends, delimiters, encodings, blanks, paths and suffixes change nothing."""
    assert "4 taken by name, 0 repeated, 0 skipped" in run(content, tmp_path)
    assert len(pd.read_csv(plain_branch / "data/annotations.csv")) == 4


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("", OPTIONS, "no columns"),
        (text(ROWS[:1]), OPTIONS, "has no rows"),
        (
            text(changed(1, 1, "skintype")),
            OPTIONS,
            "no column 'skin type'; did you mean 'skintype'",
        ),
        (text(changed(1, 2, "image id")), OPTIONS, "two columns 'image id'"),
        (text(changed(3, 0, "01.png")), OPTIONS, "line 3: image id is '01.png' as on line 2"),
        (text(changed(3, 0, "")), OPTIONS, "line 3: image id is empty"),
        (text(changed(3, 1, "brown")), OPTIONS, "line 3: skin type is 'brown'"),
        (text(changed(3, 2, "nan")), OPTIONS, "1 of 4 rows have no label, the first on line 3"),
        (text(changed(3, 2, "=cmd()")), OPTIONS, "line 3: dx is '=cmd()'"),
        (text(), OPTIONS[:2], "no column 'label'"),
        (text(), [*OPTIONS, "--subject", "patient"], "no column 'patient'"),
        (text(), [*OPTIONS, "--light", "1"], "a value for each group is missing"),
        (text(), [*OPTIONS, "--files", "*"], "files must hold {} once"),
        (text(), ["--fst", "skin type"], "not --identifier"),
        (text(), ["--identifier", "image id", "--light", "1"], "need --fst"),
        (text(), [], "lacks the column 'md5hash'"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(
    content, options, words, plain_branch, tmp_path
):
    """The message names the cell or the option; the data set of the branch stays."""
    assert words in run(content, tmp_path, options=options).removeprefix("error: ")
    assert (plain_branch / "data.dvc").read_text() == "unchanged\n"


def test_rows_without_an_image_and_images_without_a_row_are_counted(plain_branch, tmp_path):
    """Both stay visible: rows in the table, files in a list with reasons."""
    said = run(text(), tmp_path, [*IDS[:2], "99.png", "notes.txt"])
    assert "2 rows have no image here; they stay in the table" in said
    assert "1 skipped: its name is of no row" in said
    assert len(pd.read_csv(plain_branch / "data/annotations.csv")) == 4
    assert len(pd.read_csv(plain_branch / "data/given_skipped.csv")) == 2


def test_a_folder_without_images_is_refused(plain_branch, tmp_path):
    """An empty folder, and one whose files are no images, each say what they are."""
    (tmp_path / "images").mkdir()
    said = run(text(), tmp_path, [], [*OPTIONS, "--images", str(tmp_path / "images")])
    assert "holds no file; data.dvc is unchanged" in said
    (tmp_path / "images/01.png").write_bytes(b"no image")
    said = run(text(), tmp_path, [], [*OPTIONS, "--images", str(tmp_path / "images")])
    assert "no image was taken" in said
    assert "it is not an image" in said


CELLS = st.sampled_from(
    [
        *("", " ", "1", "1.0", "6", "I", "vi", "12", "V-VI", "FST1", "FST 6", "MST 3", "-1", "nan"),
        *(
            "NONE_SELECTED",
            "a.png",
            "-5.png",
            "=x",
            "a,b",
            "{'a': 1}",
            "\u00e9",
            "x" * 300,
            "0",
            "b",
        ),
        *("1..2", "\n", '"', "p1", "p2"),
    ]
)
FORMS = st.sampled_from(
    [
        named("a", "b", "c"),
        named("a", "b", "c", subject=("d",)),
        named("a", None, "c", unlabelled="none"),
        named("a", "b", "c", light=("1",), dark=("6", "vi"), unlabelled="drop"),
        Form(
            images=("a", "d"),
            tone=Tone(columns=("b",)),
            labels=Labels(fine="c"),
            unlabelled="none",
            subject=("e",),
        ),
        Form(md5="a", tone=Tone(columns=("b",)), labels=Labels(fine="c"), unlabelled="none"),
    ]
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.lists(CELLS, min_size=5, max_size=5), min_size=1, max_size=5), FORMS)
def test_any_cells_are_read_or_refused(rows, form):
    """Rows in = rows out + rows left out; whatever is refused is so in one line."""
    index = pd.RangeIndex(2, 2 + len(rows), name=LINES)
    frame = pd.DataFrame(rows, index, list("abcde"), dtype="str")
    frame = frame.mask(frame == "")
    account = Account("t.csv")
    try:
        table = converted(frame, form, {}, "t.csv", account)
    except DataError as error:
        require_one_line(error)
        return
    assert table["md5hash"].is_unique
    lines = {row.line for row in account.left_out}
    if len(form.images) < 2:
        assert len(table) + len(lines) == len(frame)
    else:
        assert len(lines) <= len(frame) <= len(table) + len(lines)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_a_table_or_refused(content):
    """No file brings the reader down."""
    try:
        frame, _ = read_table(content, "t")
    except DataError as error:
        require_one_line(error)
        return
    assert frame.columns.is_unique
