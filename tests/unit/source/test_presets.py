"""Every preset reads a made-up table of its data set's true header, and says what to know."""

from __future__ import annotations

import tomllib
import zipfile

import pandas as pd
import pytest
from branches import write_patches
from typer.testing import CliRunner

from tonegap.cli.app import app
from tonegap.errors import DataError
from tonegap.files.presets import read_preset
from tonegap.presets import preset_names, preset_summary
from tonegap.source import LEFT_OUT, use_preset

MD5S = [f"{n:032x}" for n in range(4)]
SCIN_TYPES = [f"dermatologist_fitzpatrick_skin_type_label_{n}" for n in (1, 2, 3)]
GRADABLE = "dermatologist_gradable_for_skin_condition_1"
GOOD = "DEFAULT_YES_IMAGE_QUALITY_SUFFICIENT"
CLASSES = ["AKIEC", "BCC", "BEN_OTH", "BKL", "DF", "INF", "MAL_OTH", "MEL", "NV", "SCCKA", "VASC"]


def table(name, columns, *rows):
    """Give a table's file name and its text."""
    return name, pd.DataFrame(rows, columns=columns, dtype="str").to_csv(index=False)


MADE_UP = {
    "ddi": (
        [
            table(
                "ddi_metadata.csv",
                ["", "DDI_ID", "DDI_file", "skin_tone", "malignant", "disease"],
                ["0", "1", "000001.png", "12", "True", "melanoma"],
                ["1", "2", "000002.png", "56", "False", "nevus"],
                ["2", "3", "000003.png", "34", "False", "nevus"],
            )
        ],
        ["images/000001.png", "images/000002.png", "images/000003.png"],
        ["1-2", "5-6", "3-4"],
        ["melanoma", "nevus", "nevus"],
    ),
    "isic": (
        [
            table(
                "metadata.csv",
                [
                    *("isic_id", "attribution", "copyright_license", "diagnosis_1", "diagnosis_3"),
                    *("fitzpatrick_skin_type", "image_type", "lesion_id", "patient_id"),
                ],
                ["ISIC_1", "a", "CC-0", "Benign", "Nevus", "II", "dermoscopic", "IL_1", "IP_1"],
                ["ISIC_2", "a", "CC-BY", "Benign", "", "", "clinical: close-up", "IL_1", ""],
                ["ISIC_3", "a", "CC-BY-NC", "", "", "VI", "dermoscopic", "", "IP_2"],
            )
        ],
        ["ISIC_1.jpg", "ISIC_2.JPG", "ISIC_3.jpg"],
        ["2", "-1", "6"],
        ["Nevus", "Benign", "unlabelled"],
    ),
    "scin": (
        [
            table(
                "scin_cases.csv",
                [
                    *("case_id", "fitzpatrick_skin_type", "image_1_path", "image_2_path"),
                    "image_3_path",
                ],
                [
                    "-5156441036700827606",
                    "FST1",
                    "dataset/images/-5.png",
                    "dataset/images/6.png",
                    "",
                ],
                ["12", "NONE_SELECTED", "dataset/images/-7.png", "", ""],
                ["13", "FST6", "dataset/images/8.png", "", ""],
                ["14", "", "dataset/images/9.png", "", ""],
            ),
            table(
                "scin_labels.csv",
                ["case_id", GRADABLE, "weighted_skin_condition_label", *SCIN_TYPES],
                ["12", GOOD, "{'Acne': 0.4, 'Eczema': 0.6}", "FST6", "FST6", "FST5"],
                ["-5156441036700827606", GOOD, "{'Acne': 1.0}", "FST1", "FST2", ""],
                ["13", "NO_IMAGE_QUALITY_INSUFFICIENT", "{}", "FST3", "", ""],
                ["14", GOOD, "{}", "FST3", "", ""],
            ),
        ],
        ["dataset/images/-5.png", "dataset/images/6.png", "dataset/images/-7.png"],
        ["1-2", "1-2", "6"],
        ["Acne", "Acne", "Eczema"],
    ),
    "padufes20": (
        [
            table(
                "metadata.csv",
                ["patient_id", "lesion_id", "smoke", "fitspatrick", "diagnostic", "img_id"],
                ["PAT_1", "1", "False", "3.0", "NEV", "PAT_1_1_1.png"],
                ["PAT_2", "2", "", "", "BCC", "PAT_2_2_2.png"],
            )
        ],
        ["imgs_part_1/PAT_1_1_1.png", "imgs_part_2/PAT_2_2_2.png"],
        ["3", "-1"],
        ["NEV", "BCC"],
    ),
    "passion": (
        [
            table(
                "label.csv",
                ["subject_id", "country", "fitzpatrick", "impetig", "conditions_PASSION"],
                ["AA0001", "Guinea", "3", "0", "Eczema"],
                ["AA0002", "Malawi", "6", "1", "Fungal"],
            )
        ],
        ["AA0001_1.jpg", "AA0001_2.jpg", "AA0002_1.jpg"],
        ["3", "3", "6"],
        ["Eczema", "Eczema", "Fungal"],
    ),
    "dermacon": (
        [
            table(
                "METADATA/Skin_Metadata.csv",
                [
                    *("Image_name", "Subject_ID", "Fitzpatrick", "Monk_skin_tone", "Main_class"),
                    *("Sub_class", "Disease_label"),
                ],
                ["IMG_1.jpg", "SUB1", "FST 1", "MST 2", "Infectious Disorders", "Fungal", "Tinea"],
                ["IMG_2.jpg", "SUB1", "FST 5", "MST 10", "Inflammatory Disorders", "", "N/A"],
            )
        ],
        ["DATASET/IMG_1.jpg", "DATASET/IMG_2.jpg"],
        ["1", "5"],
        ["Tinea", "Inflammatory Disorders"],
    ),
    "milk10k": (
        [
            table(
                "MILK10k_Training_Metadata.csv",
                ["lesion_id", "image_type", "isic_id", "copyright_license", "skin_tone_class"],
                ["IL_1", "clinical: close-up", "ISIC_1", "CC-BY-NC", "0"],
                ["IL_1", "dermoscopic", "ISIC_2", "CC-BY-NC", "5"],
            ),
            table(
                "MILK10k_Training_GroundTruth.csv",
                ["lesion_id", *CLASSES],
                ["IL_1", *("1.0" if name == "MEL" else "0.0" for name in CLASSES)],
            ),
        ],
        ["MILK10k_Training_Input/IL_1/ISIC_1.jpg", "MILK10k_Training_Input/IL_1/ISIC_2.jpg"],
        ["6", "1"],
        ["MEL", "MEL"],
    ),
}


@pytest.fixture
def made_up(tmp_path):
    """Write a preset's tables and images into a folder."""

    def write(name):
        tables, images, *_ = MADE_UP[name]
        folder = tmp_path / name
        for at, text in tables:
            (folder / at).parent.mkdir(parents=True, exist_ok=True)
            (folder / at).write_text(text)
        return write_patches(folder, images)

    return write


def rows_of(branch) -> pd.DataFrame:
    return pd.read_csv(branch / "data/annotations.csv", dtype=str)


@pytest.mark.parametrize("name", MADE_UP)
def test_a_preset_reads_its_table(name, made_up, plain_branch):
    """One folder is enough: the tables are found, the coding is read, every image is taken."""
    chosen = use_preset(plain_branch, name, images=[made_up(name)])
    _, images, types, labels = MADE_UP[name]
    found = rows_of(plain_branch)
    assert found["fitzpatrick_scale"].tolist() == types
    assert found["label"].tolist() == labels
    assert chosen.taken.verified == chosen.listed == len(images)
    said = "\n".join(chosen.lines())
    preset = read_preset(name)
    assert f"licence: {preset.licence.text}" in said
    assert all(note in said for note in preset.notes)


def test_every_preset_is_tested_here_or_refused():
    """A new preset needs its made-up table."""
    refused = {name for name in preset_names() if read_preset(name).refused}
    assert refused == {"midas", "ham10000", "slice3d", "skincap"}
    assert set(preset_names()) == {*MADE_UP, *refused, "fitzpatrick17k"}


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_states_where_its_facts_come_from(name):
    """Licence, source and layout each name a page or a repository; line 1 is its summary."""
    preset = read_preset(name)
    facts = [preset.licence, preset.obtain, preset.layout, *([preset.size] if preset.size else [])]
    assert all("http" in fact.source or "reader" in fact.source for fact in facts)
    assert len(preset_summary(name)) > 20
    assert name in CliRunner().invoke(app, ["source", "--help"]).output


@pytest.mark.parametrize("name", ["midas", "ham10000", "slice3d", "skincap"])
def test_a_refused_data_set_gives_its_reason(name, plain_branch, tmp_path):
    """The reason, and what can be assessed instead; nothing changes."""
    with pytest.raises(DataError, match=r"tonegap does not assess .*tonegap source") as caught:
        use_preset(plain_branch, name, images=[tmp_path])
    assert "\n" not in str(caught.value)
    assert (plain_branch / "data.dvc").read_text() == "unchanged\n"


@pytest.mark.parametrize("name", MADE_UP)
def test_missing_tables_and_images_say_where_people_get_them(name, made_up, plain_branch, tmp_path):
    """Without a table, and without images, the message ends with how to obtain the data set."""
    obtain = read_preset(name).obtain.text
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError) as caught:
        use_preset(plain_branch, name, images=[tmp_path / "empty"])
    assert obtain in str(caught.value)
    given = made_up(name) / MADE_UP[name][0][0][0]
    with pytest.raises(DataError) as caught:
        use_preset(plain_branch, name, tables=[given])
    assert obtain in str(caught.value)
    assert (plain_branch / "data.dvc").read_text() == "unchanged\n"


FIRST = ["", "md5hash", "fitzpatrick", "label", "nine_partition_label", "three_partition_label"]
FIRST += ["qc", "url", "url_alphanum"]
CLEANED = ["md5hash", "fitzpatrick", "label", "new_img_name", "filepath", "url"]


@pytest.mark.parametrize(
    ("columns", "rows", "names"),
    [
        (
            FIRST,
            [["0", MD5S[0], "3", "acne", "i", "n", "", "", "a.jpg"]],
            ["a.jpg"],
        ),
        (
            CLEANED,
            [[MD5S[1], "6", "acne", "ac_f6_1_00000000.jpg", "x", ""]],
            ["ac_f6_1_00000000.jpg"],
        ),
        (["md5hash", "fst", "label"], [[MD5S[2], "-1", "acne"]], [""]),
    ],
)
def test_the_other_editions_of_fitzpatrick17k(columns, rows, names, plain_branch, tmp_path):
    """The first table and the cleaned one keep their md5s; copies are found under their names."""
    path = tmp_path / table("t.csv", columns, *rows)[0]
    path.write_text(table("t.csv", columns, *rows)[1])
    folder = write_patches(tmp_path / "images", [f"{rows[0][columns.index('md5hash')]}.jpg"])
    chosen = use_preset(plain_branch, "fitzpatrick17k", tables=[path], images=[folder])
    found = rows_of(plain_branch)
    assert found["md5hash"].tolist() == [rows[0][columns.index("md5hash")]]
    assert found["url_alphanum"].fillna("").tolist() == names
    assert chosen.taken.unverified == 1
    assert "fetch.accept_unverified: true" in "\n".join(chosen.lines())


def test_the_licence_filter_of_isic(made_up, plain_branch):
    """Only the images under the licences stay; each that leaves is listed with its licence."""
    chosen = use_preset(plain_branch, "isic", images=[made_up("isic")], licences=["cc-0", "CC-BY"])
    assert rows_of(plain_branch)["url_alphanum"].tolist() == ["ISIC_1", "ISIC_2"]
    assert "1 rows left out: its licence is CC-BY-NC" in chosen.notes
    left = pd.read_csv(plain_branch / LEFT_OUT)
    assert left.to_dict("records") == [
        {"line": 4, "name": "ISIC_3", "reason": "its licence is CC-BY-NC"}
    ]


@pytest.mark.parametrize(
    ("name", "licence", "words"),
    [("isic", "CC-BI", "did you mean 'CC-BY'"), ("ddi", "CC-0", "names no licence per image")],
)
def test_a_licence_that_cannot_choose_is_refused(name, licence, words, made_up, plain_branch):
    """A misspelt licence names the nearest; a table without licences says so."""
    with pytest.raises(DataError, match=words):
        use_preset(plain_branch, name, images=[made_up(name)], licences=[licence])


def test_the_subjects_of_isic_join_patients_and_lesions(made_up, plain_branch):
    """A lesion whose patient is not named in one row is still that patient's."""
    use_preset(plain_branch, "isic", images=[made_up("isic")])
    subject = rows_of(plain_branch)["subject"]
    assert subject[0] == subject[1] == "patient_id=IP_1"
    assert subject[2] == "patient_id=IP_2"


def test_scin_counts_what_it_leaves_out(made_up, plain_branch):
    """Ungradable cases and cases without a label are counted apart."""
    chosen = use_preset(plain_branch, "scin", images=[made_up("scin")])
    assert f"1 rows left out: {GRADABLE} is not {GOOD}" in chosen.notes
    assert "1 rows left out: it has no label" in chosen.notes
    found = rows_of(plain_branch)
    assert found["fitzpatrick_centaur"].tolist() == ["1", "1", "-1"]
    assert found["subject"].tolist() == ["-5156441036700827606"] * 2 + ["12"]


def test_tables_and_images_within_a_zip(made_up, plain_branch, tmp_path):
    """A download that was not unpacked is enough."""
    folder, packed = made_up("milk10k"), tmp_path / "milk.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in folder.rglob("*"):
            archive.write(path, path.relative_to(folder))
    chosen = use_preset(plain_branch, "milk10k", images=[packed])
    assert (chosen.rows, chosen.taken.verified) == (2, 2)


def test_a_second_table_may_be_given_or_missing(made_up, plain_branch):
    """Given under another name it is joined; without it the diagnosis is missing, as is said."""
    folder = made_up("milk10k")
    main, truth = (folder / name for name, _ in MADE_UP["milk10k"][0])
    moved = truth.rename(folder.parent / "truth.csv")
    use_preset(plain_branch, "milk10k", tables=[main, moved], images=[folder])
    assert rows_of(plain_branch)["label"].tolist() == ["MEL", "MEL"]
    chosen = use_preset(plain_branch, "milk10k", images=[folder])
    assert rows_of(plain_branch)["label"].tolist() == ["unlabelled"] * 2
    assert (
        "MILK10k_Training_GroundTruth.csv was not found, so its columns are missing" in chosen.notes
    )
    folder = made_up("scin")
    (folder / "scin_labels.csv").unlink()
    with pytest.raises(DataError, match=r"SCIN also needs its table scin_labels\.csv"):
        use_preset(plain_branch, "scin", images=[folder])


def test_another_table_names_the_nearest_column(made_up, plain_branch):
    """A changed header is answered with what is there and where the layout is known from."""
    folder = made_up("padufes20")
    path = folder / "metadata.csv"
    path.write_text(path.read_text().replace("fitspatrick", "fitzpatrick"))
    with pytest.raises(DataError, match="no column 'fitspatrick'; did you mean 'fitzpatrick'"):
        use_preset(plain_branch, "padufes20", images=[folder])


def test_two_tables_of_one_name_are_not_guessed_between(made_up, plain_branch):
    """Which one counts is for the user to say."""
    folder = made_up("ddi")
    (folder / "old").mkdir()
    (folder / "old/ddi_metadata.csv").write_text("DDI_file\n")
    with pytest.raises(DataError, match=r"several different files are called ddi_metadata\.csv"):
        use_preset(plain_branch, "ddi", images=[folder])


def test_an_unknown_preset_names_the_nearest(plain_branch):
    """So does the command."""
    with pytest.raises(DataError, match="no preset 'fitzpatrick'; did you mean 'fitzpatrick17k'"):
        use_preset(plain_branch, "fitzpatrick")


def test_presets_ship_with_the_wheel(repository):
    """The patterns of the package's data cover every YAML file."""
    settings = tomllib.loads((repository / "pyproject.toml").read_text())
    package = repository / "src/tonegap"
    patterns = settings["tool"]["setuptools"]["package-data"]["tonegap"]
    shipped = {path for pattern in patterns for path in package.glob(pattern)}
    assert {package / f"presets/{name}.yaml" for name in preset_names()} <= shipped
