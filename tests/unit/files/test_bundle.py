"""Bundles: written deterministically, without a picture of a patient, and checked to the byte."""

from __future__ import annotations

import hashlib
import json
import zipfile

import pytest
from exported import PICTURE, edit_json, relock, show_patients, svg_address, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import tonegap
from tonegap.cli.app import app
from tonegap.errors import DataError
from tonegap.files.archive import write_archive
from tonegap.files.bundle import EXPECTED, write_bundle
from tonegap.files.bundle_check import MAX_BYTES, check_bundle
from tonegap.files.locked import parse_document
from tonegap.files.pictures import PICTURED
from tonegap.interchange.checks import check_members
from tonegap.interchange.manifest import NAME
from tonegap.workspace import Workspace


@pytest.fixture(scope="module")
def sound(exported_template, tmp_path_factory):
    """Write a bundle of phantoms."""
    path = tmp_path_factory.mktemp("bundle") / "b.zip"
    write_bundle(exported_template, path, "a machine")
    return path


def members_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def problems_of(members):
    checks = check_members(members, EXPECTED, parse_document, tonegap.__version__)
    return [(check.name, problem) for check in checks for problem in check.problems]


def relisted(members):
    """Update sha256 and size in the manifest, as a careful forger would."""
    manifest = json.loads(members[NAME])
    manifest["files"] = [
        {**entry, "sha256": hashlib.sha256(members[entry["path"]]).hexdigest()}
        | {"size": len(members[entry["path"]])}
        for entry in manifest["files"]
        if entry["path"] in members
    ]
    return members | {NAME: json.dumps(manifest).encode()}


def with_manifest(members, **changes):
    return members | {NAME: json.dumps(json.loads(members[NAME]) | changes).encode()}


def test_a_sound_bundle_passes_line_by_line(sound, exported):
    """`tonegap verify` says ok for each check, and exits with 0."""
    result = CliRunner().invoke(app, ["verify", str(sound)])
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    names = (
        "archive",
        "manifest",
        "files",
        "checksums",
        "pictures",
        "lock",
        "parameters",
        "claims",
    )
    assert [line.split(":")[0] for line in lines] == [f"ok    {name}" for name in names]


def test_equal_files_give_equal_bytes(sound, exported, tmp_path):
    """The bundle depends on the files and the commit, not on the folder or the time."""
    write_bundle(exported, tmp_path / "again.zip", "a machine")
    assert (tmp_path / "again.zip").read_bytes() == sound.read_bytes()


def test_a_change_of_any_file_is_found(sound):
    """One more byte at the end of a file fails, and the message names the file."""
    members = members_of(sound)
    for path in members.keys() - {NAME}:
        found = problems_of(members | {path: members[path] + b"\n"})
        assert any(name == "checksums" and repr(path) in text for name, text in found), path


def test_a_file_missing_or_added_is_found(sound):
    """Every file that goes, and one that comes, is named."""
    members = members_of(sound)
    for path in members.keys() - {NAME}:
        found = problems_of({name: content for name, content in members.items() if name != path})
        assert ("files", f"{path!r} is listed in {NAME} but missing") in found
    assert any(
        "'more.txt' was added" in text for _, text in problems_of(members | {"more.txt": b""})
    )


@pytest.mark.parametrize("path", EXPECTED)
def test_a_file_missing_from_bundle_and_manifest_is_found(sound, path):
    """No bundle is complete without its tables, parameters, claims and report."""
    members = members_of(sound)
    del members[path]
    assert any(
        name == "files" and repr(path) in text for name, text in problems_of(relisted(members))
    )


@pytest.mark.parametrize(
    ("path", "old", "new", "check", "words"),
    [
        ("report/claims.json", b'"alpha": 0.05', b'"alpha": 0.06', "lock", "report/claims.json"),
        ("data/cohort.csv", b"dark", b"lite", "lock", "data/cohort.csv"),
        ("images.txt", b"", b"# more\n", "lock", "images.txt"),
        ("params.yaml", b"  epochs: 20", b"  epochs: 21", "parameters", "train.epochs: 21"),
        ("dvc.lock", b"train.epochs: 20", b"train.epochs: 22", "parameters", "ran with 22"),
        ("dvc.lock", b"stages:", b"steps:", "lock", "layout"),
        ("dvc.lock", b"schema:", b"a: &a [1]\nb: *a\nschema:", "lock", "aliases"),
        ("dvc.lock", b"schema:", b"[", "lock", "YAML"),
        ("report/claims.json", b'"study": "', b'"study": "x', "claims", "xphantom"),
        ("report/claims.json", b"tonegap-claims-2", b"tonegap-claims-9", "claims", "claims-9"),
        ("metrics/conditions.csv", b"level", b"thumbnail", "pictures", "thumbnails"),
        ("LICENSE", b"MIT", b"\xff\xd8\xff", "pictures", "not text"),
    ],
)
def test_a_forger_who_mends_the_checksums_is_found(sound, path, old, new, check, words):
    """Claims, tables and parameters that are not of the runs in dvc.lock fail."""
    members = members_of(sound)
    assert old in members[path]
    content = members[path].replace(old, new, 1) if old else new
    found = problems_of(relisted(members | {path: content}))
    assert any(name == check and words in text for name, text in found), found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": "tonegap-bundle-9", "tonegap": "9.1"}, "written by tonegap 9.1; this is"),
        ({"schema": None}, "verify it with the version that wrote it"),
        ({"more": 1}, "breaks its schema"),
        ({"commit": 3}, "breaks its schema"),
        ({"patients": "photographs: 3"}, "patients are shown and that pictures were kept"),
    ],
)
def test_a_manifest_that_is_none_stops_the_check(sound, change, words):
    """Another schema names both versions; an unknown key or a wrong type is named."""
    found = problems_of(with_manifest(members_of(sound), **change))
    assert [name for name, _ in found] == ["manifest"]
    assert words in found[0][1]


def test_a_manifest_that_is_absent_or_damaged_stops_the_check(sound):
    """Nothing else is believed then."""
    members = members_of(sound)
    for content in (b"", b"{", b"[]", b"\xff", b"[" * 100_000):
        assert [name for name, _ in problems_of(members | {NAME: content})] == ["manifest"]
    assert "is missing" in problems_of({"a.txt": b""})[0][1]


def test_an_original_md5_excuses_no_change(sound):
    """Only a page may differ from dvc.lock, and only where pictures were left out."""
    members = members_of(sound)
    manifest = json.loads(members[NAME])
    entry = next(entry for entry in manifest["files"] if entry["path"] == "report/claims.json")
    entry |= {"changed": "a little", "original_md5": "0" * 32}
    found = problems_of(members | {NAME: json.dumps(manifest).encode()})
    assert "only pages without pictures" in found[0][1]


def test_a_bundle_of_another_version_says_so(sound):
    """The same schema can be read; the line names both versions."""
    members = with_manifest(members_of(sound), tonegap="7.8.9")
    checks = list(check_members(members, EXPECTED, parse_document, tonegap.__version__))
    assert f"tonegap 7.8.9 (another version: this is {tonegap.__version__})" in checks[0].found


def test_no_text_of_a_bundle_forges_a_line(sound, tmp_path):
    """Line ends and escapes in a manifest do not reach the terminal."""
    forged = "7\nok    claims: fine\x1b[2J"
    members = with_manifest(members_of(sound), tonegap=forged, schema="x")
    write_archive(tmp_path / "b.zip", sorted(members.items()))
    result = CliRunner().invoke(app, ["verify", str(tmp_path / "b.zip")])
    assert result.exit_code == 1
    assert [line[:14] for line in result.output.splitlines()] == [
        "ok    archive:",
        "FAIL  manifest",
    ]
    assert "\x1b" not in result.output


def zip_with(path, name, content=b"x", **fields):
    entry = zipfile.ZipInfo(name)
    entry.filename = name  # as it is: the constructor cuts at NUL
    for key, value in fields.items():
        setattr(entry, key, value)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(entry, content, compress_type=zipfile.ZIP_DEFLATED)


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a/../../x", "..\\x", "C:x", "a/", "./a", "a//b", "a\nok    files: b"]
)
def test_hostile_names_are_refused(tmp_path, name):
    """A name that leads out, a folder, or one that forges a line ends the check."""
    zip_with(tmp_path / "b.zip", name)
    checks = list(check_bundle(tmp_path / "b.zip"))
    assert [check.name for check in checks] == ["archive"]
    assert "no plain name" in checks[0].problems[0]
    result = CliRunner().invoke(app, ["verify", str(tmp_path / "b.zip")])
    assert result.exit_code == 1
    assert all(line.startswith("FAIL  archive") for line in result.output.splitlines())


def test_hostile_contents_are_refused(tmp_path):
    """Bombs, links, repeated names and false sizes are named; nothing is read then."""
    path = tmp_path / "b.zip"
    zip_with(path, "bomb.csv", b"0" * 20_000_000)
    assert "no table packs so well" in next(check_bundle(path)).problems[0]
    zip_with(path, "link", b"/etc/passwd", external_attr=0o120777 << 16)
    assert "symbolic link" in next(check_bundle(path)).problems[0]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", b"1")
        archive.writestr("A.txt", b"2")
    assert "there twice" in next(check_bundle(path)).problems[0]
    write_archive(path, [("a.txt", b"12345")])
    content = path.read_bytes().replace((5).to_bytes(4, "little"), (4).to_bytes(4, "little"))
    path.write_bytes(content)
    assert next(check_bundle(path)).problems
    zip_with(path, "large.csv")
    content = path.read_bytes()
    place = content.rindex(b"PK\x01\x02") + 24
    path.write_bytes(content[:place] + (MAX_BYTES + 1).to_bytes(4, "little") + content[place + 4 :])
    assert f"more than {MAX_BYTES}" in next(check_bundle(path)).problems[0]


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + bytes(40)])
def test_what_is_no_zip_is_one_line(tmp_path, content):
    """A file of another kind, or none, exits with 1."""
    path = tmp_path / "b.zip"
    path.write_bytes(content)
    result = CliRunner().invoke(app, ["verify", str(path)])
    assert (result.exit_code, len(result.output.splitlines())) == (1, 1)
    assert "zip" in result.output
    assert "is not there" in CliRunner().invoke(app, ["verify", str(tmp_path / "no")]).output


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_bundles_never_pass_and_never_crash(sound, tmp_path_factory, data):
    """Whatever byte changes, the check ends with a verdict; a changed content never passes."""
    content = bytearray(sound.read_bytes())
    # Near the directory at the end, or anywhere.
    span = data.draw(st.sampled_from([len(content), 6_000]))
    place = len(content) - 1 - data.draw(st.integers(0, span - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.mktemp("damaged") / "b.zip"
    path.write_bytes(content)
    passed = all(not check.problems for check in check_bundle(path))
    if passed:
        assert members_of(path) == members_of(sound)


def test_bundles_of_photographs_hold_no_picture(repository, exported, tmp_path):
    """The report loses its pictures and keeps its drawings; the manifest and `verify` say so."""
    show_patients(repository, exported)
    path = tmp_path / "b.zip"
    result = CliRunner().invoke(app, ["export", "bundle", str(path)])
    assert result.exit_code == 0, result.output
    assert "pictures left out" in result.output
    assert "CC BY-NC-SA 3.0" in result.output
    members = members_of(path)
    manifest = json.loads(members[NAME])
    assert manifest["patients"] == "photographs in images.txt: 1"
    page = members["report/index.html"].decode()
    assert "image/png" not in page
    assert svg_address(PICTURE) not in page
    assert "svg+xml" in page
    assert not {file.as_posix() for file in PICTURED} & members.keys()
    assert {entry["path"] for entry in manifest["left_out"]} >= {
        Workspace.images.as_posix(),
        Workspace.weights.as_posix(),
        Workspace.annotations.as_posix(),
    }
    result = CliRunner().invoke(app, ["verify", str(path)])
    assert result.exit_code == 0, result.output
    assert "report/index.html: 2 pictures were left out" in result.output
    # Whoever puts the page with its pictures back is found out.
    original = (exported / "report/index.html").read_bytes()
    found = problems_of(relisted(members | {"report/index.html": original}))
    assert any(name == "pictures" and "embeds 2 pictures" in text for name, text in found)


def test_a_picture_among_the_tables_stops_the_export(repository, exported):
    """A raster under the name of a table, or thumbnails in one, are no numbers."""
    show_patients(repository, exported)
    for content in (b"\x89PNG\r\n", b"md5hash,thumbnail\n", b'{"a": "data:image/jpeg;base64,ab"}'):
        write(exported / "metrics/more.csv", content)
        with pytest.raises(DataError, match=r"no bundle was written.*metrics/more\.csv"):
            write_bundle(exported, exported / "b.zip", "")
    assert not (exported / "b.zip").exists()


def test_an_export_of_several_runs_is_refused(exported):
    """A table, or a parameter, that is not of the last run stops every export."""
    table = exported / Workspace.cohort
    before = table.read_bytes()
    table.write_bytes(before + b"\n")
    for command in (["bundle", "b.zip"], ["card"], ["croissant"]):
        error = CliRunner().invoke(app, ["export", *command]).exception
        assert isinstance(error, DataError)
        assert "data/cohort.csv has the md5" in str(error)
        assert "run `dvc repro`" in str(error)
    table.unlink()
    with pytest.raises(DataError, match=r"data/cohort\.csv is not there.*dvc checkout"):
        write_bundle(exported, exported / "b.zip", "")
    table.write_bytes(before)
    params = (exported / "params.yaml").read_text()
    (exported / "params.yaml").write_text(params.replace("  epochs: 20", "  epochs: 21"))
    with pytest.raises(DataError, match=r"params\.yaml has train\.epochs: 21"):
        write_bundle(exported, exported / "b.zip", "")


def test_uncommitted_files_are_named(repository, exported):
    """The manifest lists what the commit does not hold."""
    edit_json(exported / "metrics/cohort.json", lambda document: document.update(tone_warning="x"))
    relock(repository, exported)
    manifest = write_bundle(exported, exported / "b.zip", "")
    assert manifest.uncommitted == ["dvc.lock", "metrics/cohort.json"]
