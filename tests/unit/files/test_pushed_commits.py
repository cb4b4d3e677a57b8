"""Git's commits hold no picture of a patient, whatever came after."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from tonegap.errors import DataError, MachineError
from tonegap.files.manifest import write_manifest
from tonegap.files.pushed_commits import require_no_pictures
from tonegap.files.store import md5_of

PICTURE = b"\xff\xd8\xff a synthetic picture"


class Clone:
    """A repository whose first commit its remote has."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "clone"
        self.root.mkdir()
        self.git("init", "--quiet", "--initial-branch", "main")
        self.write("images.txt", b"# none\n")
        self.commit()
        subprocess.run(["git", "clone", "--quiet", "--bare", self.root, folder / "hub"], check=True)
        self.git("remote", "add", "origin", str(folder / "hub"))
        self.git("fetch", "--quiet", "origin")

    def git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", *identity, *arguments], cwd=self.root, check=True)

    def write(self, name: str, content: bytes) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_bytes(content)

    def commit(self) -> None:
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--message", "a commit")

    def list_photographs(self, *contents: bytes) -> None:
        write_manifest({md5_of(content): None for content in contents}, self.root / "images.txt")
        self.commit()


@pytest.fixture
def clone(tmp_path) -> Clone:
    return Clone(tmp_path)


def _refused(clone: Clone, *words: str) -> None:
    with pytest.raises(DataError) as caught:
        require_no_pictures(clone.root, "HEAD")
    for word in words:
        assert word in str(caught.value)


def test_nothing_new_is_nothing_to_search(clone):
    """Commits that the remote has are not searched again; nor is a deleted branch."""
    assert require_no_pictures(clone.root, "HEAD") == 0
    assert require_no_pictures(clone.root, "0" * 40) == 0


def test_code_and_numbers_pass(clone):
    """Also beside photographs that images.txt lists."""
    clone.write("metrics/study.csv", b"mse\n0.1\n")
    clone.write("plots/fig3.png", b"a picture of boxes")
    clone.list_photographs(PICTURE)
    assert require_no_pictures(clone.root, "HEAD") == 3


def test_a_listed_photograph_is_found_under_any_name(clone):
    """The content decides: by the md5 of the original."""
    clone.write("notes/x.dat", PICTURE)
    clone.list_photographs(PICTURE)
    _refused(clone, "notes/x.dat is a photograph that images.txt lists", "git rm --cached notes/x")


def test_a_copy_with_another_md5_is_found(clone):
    """images.txt lists such a copy by its sha256."""
    digest = hashlib.sha256(PICTURE).hexdigest()
    write_manifest({"a" * 32: digest}, clone.root / "images.txt")
    clone.write("x", PICTURE)
    clone.commit()
    _refused(clone, "x is a photograph that images.txt lists")


def test_a_later_commit_does_not_take_it_back(clone):
    """Whoever fetches the branch has the whole history of it, the list's too."""
    clone.list_photographs(PICTURE)
    clone.write("x.dat", PICTURE)
    clone.commit()
    (clone.root / "x.dat").unlink()
    write_manifest({}, clone.root / "images.txt")
    clone.commit()
    _refused(clone, "x.dat is a photograph", "git rebase")


def test_a_list_that_the_remote_has_counts(clone):
    """A photograph of an earlier commit's list is one."""
    clone.list_photographs(PICTURE)
    clone.git("push", "--quiet", "origin", "main")
    clone.write("x.dat", PICTURE)
    clone.commit()
    _refused(clone, "x.dat is a photograph")


@pytest.mark.parametrize("name", ["a.jpg", "docs/A.JPEG", "b.heic"])
def test_photographs_are_known_by_name(clone, name):
    """Phantoms are PNG in git: a photograph's suffix is refused whatever images.txt says."""
    clone.write(name, b"anything")
    clone.commit()
    _refused(clone, f"{name} is a photograph by its name")


@pytest.mark.parametrize(
    "name", ["data/images.npy", "models/m.npz", "results/a.npz", "private/b/c.png"]
)
def test_what_git_ignores_is_refused_where_photographs_are_listed(clone, name):
    """`git add --force` takes outputs too; those of phantoms show nobody."""
    clone.write(name, b"derived from pictures")
    clone.commit()
    assert require_no_pictures(clone.root, "HEAD") == 1
    clone.list_photographs(PICTURE)
    _refused(clone, f"{name} may show patients")


def test_names_with_blanks_and_line_breaks_in_files(clone):
    """Git's answers are read by length, not by line."""
    clone.write("a name with blanks.txt", b"\n\n blob 3\n\xff\n")
    clone.write("empty", b"")
    clone.list_photographs(PICTURE)
    assert require_no_pictures(clone.root, "HEAD") == 3


def test_an_unknown_revision_is_named(clone):
    with pytest.raises(MachineError, match="rev-list"):
        require_no_pictures(clone.root, "no-such-branch")
