"""References: what a user writes, read and written back."""

from __future__ import annotations

import pytest

from tonegap.adapters.reference import Reference, parse_reference
from tonegap.errors import ModelError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("diffusers:owner/name", ("owner/name", "", "")),
        ("diffusers:owner/name@abc123", ("owner/name", "abc123", "")),
        ("diffusers:owner/name:vae", ("owner/name", "", "vae")),
        ("diffusers:owner/name@v1.0:vae", ("owner/name", "v1.0", "vae")),
        ("diffusers:./nowhere/model:part", ("./nowhere/model", "", "part")),
    ],
)
def test_a_place_a_revision_and_a_subfolder(text, expected):
    """Revision and subfolder are optional, and the reference reads back as it was written."""
    found = parse_reference(text)
    assert (found.target, found.revision, found.subfolder) == expected
    assert str(found) == text


def test_an_existing_folder_is_a_path_whatever_its_name(tmp_path):
    """A folder on this machine may have @ and : in its name."""
    folder = tmp_path / "odd@name:x"
    folder.mkdir()
    assert parse_reference(f"diffusers:{folder}") == Reference("diffusers", str(folder))


@pytest.mark.parametrize("text", ["python:package.module:factory", "torchscript:a@b:c.pt"])
def test_other_kinds_keep_their_target_whole(text):
    """Only diffusers models have revisions and subfolders."""
    kind, _, target = text.partition(":")
    assert parse_reference(text) == Reference(kind, target)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model.pt", "names no model: write one of"),
        ("difusers:owner/name", "did you mean 'diffusers'"),
        ("samples:", "ends after the colon"),
        ("python", "names no model"),
    ],
)
def test_what_is_no_reference_is_refused(text, message):
    """The message says what a reference looks like."""
    with pytest.raises(ModelError, match=message):
        parse_reference(text)
