"""The fetch stage against a web server that misbehaves, and against kill -9."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tonegap.errors import DataError, FetchError, MachineError
from tonegap.files.archive import open_archive
from tonegap.files.download import Patience
from tonegap.files.manifest import write_manifest
from tonegap.files.store import ImageStore, md5_of
from tonegap.params import FetchParams
from tonegap.source import download_images
from tonegap.stages.fetch import run
from tonegap.tables import ANNOTATION_COLUMNS, TAKEN

HERE = Path(__file__).parent
QUICK = Patience(first_pause_s=0.01, longest_pause_s=1.0)
TRUSTED = frozenset(("127.0.0.1",))
PARAMS = FetchParams(
    download=True,
    accept_unverified=False,
    min_success=0.0,
    timeout_s=2.5,  # machines that test are busy
    retries=1,
    connections=8,
    connections_per_host=8,
    max_bytes=200_000,
    max_pixels=40_000,
)


def _jpeg(seed: int, side: int = 24) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG")
    return stream.getvalue()


class Server:
    """The fault server, its images and its counts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, HERE / "fault_server.py", folder], stdout=subprocess.PIPE, text=True
        )
        self.address = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def image(self, seed: int, side: int = 24) -> tuple[str, str]:
        """Put an image on the server; its name and md5."""
        content = _jpeg(seed, side)
        name = f"{seed}.jpg"
        (self.folder / name).write_bytes(content)
        return name, hashlib.md5(content, usedforsecurity=False).hexdigest()

    def counts(self) -> dict[str, int]:
        """Count the requests so far, by path."""
        with urllib.request.urlopen(f"{self.address}/count", timeout=10) as answer:  # noqa: S310
            return json.load(answer)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    running = Server(folder)
    yield running
    running.close()


class Task:
    """A download and a fetch of some rows into a folder."""

    def __init__(self, folder: Path, rows: list[tuple[str, str | None]] = ()) -> None:
        self.folder, self.annotations = folder, folder / "annotations.csv"
        self.manifest, self.failures = folder / "images.txt", folder / "not_downloaded.csv"
        if not self.manifest.exists():
            write_manifest({}, self.manifest)
        self.raw, self.fetch, self.store = (
            folder / "raw.zip",
            folder / "fetch.csv",
            folder / "store",
        )
        if rows:
            self.write_table(rows)

    def write_table(self, rows: list[tuple[str, str | None]]) -> None:
        table = pd.DataFrame(rows, columns=["md5hash", "url"]).assign(
            fitzpatrick_scale=1,
            fitzpatrick_centaur=-1,
            label="a",
            nine_partition_label="b",
            three_partition_label="c",
            qc=None,
            url_alphanum=None,
        )
        table[list(ANNOTATION_COLUMNS)].to_csv(self.annotations, index=False)

    def run(self, **changes) -> pd.DataFrame:
        """Download, unless told not to, and fetch; the statuses of both, by md5hash."""
        if changes.get("download", True):
            self.do_download(**changes)
        self.do_fetch(**changes)
        return self.table()

    def do_download(self, trusted=TRUSTED, **changes) -> None:
        """Do what ``tonegap source download`` does."""
        download_images(
            annotations=self.annotations,
            manifest=self.manifest,
            failures=self.failures,
            params=PARAMS.model_copy(update=changes),
            store_root=self.store,
            patience=QUICK,
            trusted=trusted,
        )

    def do_fetch(self, trusted=TRUSTED, **changes) -> None:
        """Do what the stage does."""
        run(
            annotations=self.annotations,
            manifest=self.manifest,
            params=PARAMS.model_copy(update=changes),
            raw=self.raw,
            fetch=self.fetch,
            missing=self.folder / "missing.csv",
            store_root=self.store,
            patience=QUICK,
            trusted=trusted,
        )

    def table(self) -> pd.DataFrame:
        """Read the stage's table, and from the download's why each other image is missing."""
        table = pd.read_csv(self.fetch, keep_default_na=False).set_index("md5hash")
        if self.failures.exists():
            failed = pd.read_csv(self.failures, keep_default_na=False).set_index("md5hash")
            assert not set(table.loc[failed.index, "status"]) & set(TAKEN)
            table.loc[failed.index] = failed
        return table

    def images(self) -> list[str]:
        with open_archive(self.raw) as archive:
            return archive.names()


GOOD = ("good", "recovers", "busy", "flaky", "moved", "compressed", "relative", "cookie")
BAD = {
    "missing": "not_found",
    "forbidden": "http_error",
    "broken": "http_error",
    "stall": "timeout",
    "truncated": "truncated",
    "other": "md5_mismatch",
    "html": "not_an_image",
    "declared": "too_large",
    "endless": "too_large",
    "gzip": "http_error",
    "bomb": "too_large",
    "cut": "truncated",
    "encoded": "http_error",
    "partial": "http_error",
    "junk": "http_error",
    "noplace": "refused_url",
    "script": "refused_url",
    "circle": "too_many_redirects",
    "loop": "too_many_redirects",
    "private": "refused_url",
    "file": "refused_url",
    "hangup": "unreachable",
}
ONCE = ("missing", "forbidden", "other", "html", "declared", "endless", "gzip", "private", "file")
ONCE += ("bomb", "encoded", "partial", "noplace", "script", "circle")
"""Faults that no second request can mend."""


def _no_md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def test_every_good_image_arrives_and_every_fault_has_its_status(server, tmp_path):
    """Whatever the server does, each row ends in one status and no good image is lost."""
    rows, expected = [], {}
    for seed, fault in enumerate(GOOD):
        name, md5 = server.image(seed)
        rows.append((md5, f"{server.address}/{fault}/{name}"))
        expected[md5] = "verified"
    wrong, _ = server.image(100)
    for fault, status in BAD.items():
        rows.append((_no_md5(fault), f"{server.address}/{fault}/{wrong}"))
        expected[_no_md5(fault)] = status
    far, nowhere, big = _no_md5("far"), _no_md5("nowhere"), _no_md5("big")
    rows += [
        (far, f"{server.address}/far/0"),
        (nowhere, None),
        (big, f"{server.address}/good/{server.image(101, side=201)[0]}"),
        (_no_md5("ftp"), "ftp://127.0.0.1/a.jpg"),
        (_no_md5("dns"), "http://no-such-host.invalid/a.jpg"),
        (_no_md5("port"), "http://127.0.0.1:1/a.jpg"),
        (_no_md5("user"), f"http://a:b@{server.address[7:]}/good/{wrong}"),
    ]
    expected |= {far: "too_many_redirects", nowhere: "missing_url", big: "too_large"}
    expected |= {_no_md5("ftp"): "refused_url", _no_md5("user"): "refused_url"}
    expected |= {_no_md5("dns"): "unreachable", _no_md5("port"): "unreachable"}
    task = Task(tmp_path, rows)

    table = task.run()

    assert table["status"].to_dict() == expected
    assert list(table.index) == [md5 for md5, _ in rows]
    assert task.images() == sorted(
        f"{md5}.jpg" for md5, status in expected.items() if status == "verified"
    )
    counts = server.counts()
    asked = {fault: counts[f"/{fault}/{wrong}"] for fault in BAD}
    assert {fault: times for fault, times in asked.items() if fault in ONCE and times != 1} == {}
    assert {asked[fault] for fault in ("broken", "stall", "truncated", "cut", "junk")} == {2}
    assert counts["/loop/100.jpg"] == 1

    before = server.counts()
    again = task.run(retries=0, timeout_s=1.0)
    repeated = {path for path, times in server.counts().items() if times > before.get(path, 0)}
    assert set(again.index[again["status"] == "verified"]) == {md5 for md5, _ in rows[: len(GOOD)]}
    assert "/other/100.jpg" not in repeated
    assert not {f"/{fault}/{seed}.jpg" for seed, fault in enumerate(GOOD)} & repeated


def test_accepting_unverified_copies_needs_no_second_download(server, tmp_path):
    """A copy with another md5 is stored separately; the switch uses it without a new request."""
    name, _ = server.image(1)
    row = _no_md5("resized")
    task = Task(tmp_path, [(row, f"{server.address}/good/{name}")])
    assert task.run().loc[row, "status"] == "md5_mismatch"
    assert task.images() == []
    taken = task.run(accept_unverified=True)
    assert taken.loc[row, "status"] == "unverified"
    assert task.images() == [f"{row}.jpg"]
    assert server.counts() == {f"/good/{name}": 1}


def test_a_damaged_copy_is_downloaded_again(server, tmp_path):
    """A copy that the disk spoilt is no reason to leave its url alone."""
    name, _ = server.image(1)
    row = _no_md5("resized")
    task = Task(tmp_path, [(row, f"{server.address}/good/{name}")])
    task.run()
    next(task.store.rglob("*.url.*.jpg")).write_bytes(b"rotten")
    assert task.run().loc[row, "status"] == "md5_mismatch"
    assert server.counts() == {f"/good/{name}": 2}


def test_without_download_nobody_is_asked(server, tmp_path):
    """fetch.download = false makes no request."""
    name, md5 = server.image(1)
    table = Task(tmp_path, [(md5, f"{server.address}/good/{name}")]).run(download=False)
    assert table.loc[md5, "status"] == "not_downloaded"
    assert server.counts() == {}


def test_a_private_host_is_refused_unless_trusted(server, tmp_path):
    """Urls to this machine are refused, by name, by number and by odd spellings of it."""
    name, _ = server.image(1)
    port = server.address.rsplit(":", 1)[1]
    hosts = ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:7f00:1]"]
    rows = [(_no_md5(host), f"http://{host}:{port}/good/{name}") for host in hosts]
    table = Task(tmp_path, rows).run(trusted=())
    assert set(table["status"]) == {"refused_url"}, table
    assert server.counts() == {}


def test_a_silent_host_is_given_up(tmp_path):
    """After ten rows without an answer and twenty from all over, the rest is not asked."""
    rows = [(_no_md5(str(n)), f"http://127.0.0.1:1/{n}.jpg") for n in range(60)]
    table = Task(tmp_path, rows).run(retries=0, connections_per_host=1)
    assert set(table["status"]) == {"unreachable"}
    not_asked = table["detail"].str.startswith("not asked")
    assert not_asked.sum() == 30
    assert not not_asked.iloc[:10].any()
    assert not not_asked.iloc[-10:].all()


@pytest.mark.parametrize("fault", ["hangup", "broken", "truncated"])
def test_neighbours_of_many_failures_still_arrive(server, tmp_path, fault):
    """A host that fails many rows in a row is not given up while it serves others."""
    name, _ = server.image(1)
    rows = [(_no_md5(str(n)), f"{server.address}/{fault}/{name}") for n in range(25)]
    good = [server.image(seed) for seed in range(2, 12)]
    rows += [(md5, f"{server.address}/good/{name}") for name, md5 in good]
    table = Task(tmp_path, rows).run(retries=0, connections_per_host=1)
    assert set(table["status"].iloc[25:]) == {"verified"}
    assert set(table["status"].iloc[:25]) == {BAD[fault]}


def test_bytes_left_on_a_connection_cost_no_good_image(server, tmp_path):
    """Answers longer than they declare spoil what follows on their connection, for one attempt."""
    rows = []
    for seed in range(16):
        name, md5 = server.image(seed)
        rows.append((md5, f"{server.address}/{'kept' if seed % 2 else 'short'}/{name}"))
    table = Task(tmp_path, rows).run(retries=8, connections_per_host=2)
    assert set(table["status"].iloc[1::2]) == {"verified"}
    assert "verified" not in set(table["status"].iloc[::2])


def test_too_few_images_fail_and_say_what_would_help(server, tmp_path):
    """Below fetch.min_success the stage fails, after writing the table that says why."""
    name, md5 = server.image(1)
    url = f"{server.address}/good/{name}"
    task = Task(tmp_path, [(md5, url), (_no_md5("x"), url), (_no_md5("y"), url)])
    with pytest.raises(FetchError, match=r"1 of 3 images.*md5_mismatch.*accept_unverified"):
        task.run(min_success=0.5)
    assert task.table()["status"].tolist() == ["verified", "md5_mismatch", "md5_mismatch"]


def test_exactly_the_share_that_is_asked_for_is_enough(tmp_path):
    """7 of 100 are 0.07 of them, whatever the rounding of 0.07 x 100."""
    rows = [(_no_md5(str(n)), None) for n in range(100)]
    store = ImageStore(tmp_path / "store")
    for seed in range(7):
        content = _jpeg(seed)
        rows[seed] = (md5_of(content), None)
        store.put(md5_of(content), content, "given")
    task = Task(tmp_path, rows)
    assert (task.run(min_success=0.07)["status"] == "verified").sum() == 7
    with pytest.raises(FetchError, match="7 of 100"):
        task.run(min_success=0.0701)


def _listing(task: Task, *md5s: str) -> None:
    write_manifest(dict.fromkeys(md5s), task.manifest)


def test_listed_images_that_the_store_lacks_are_downloaded(server, tmp_path):
    """Another machine with an empty store gets the same archive from the urls."""
    rows = [(md5, f"{server.address}/good/{name}") for name, md5 in map(server.image, range(3))]
    task = Task(tmp_path, [*rows, (_no_md5("x"), f"{server.address}/missing/x")])
    task.run()
    first = task.raw.read_bytes(), task.fetch.read_bytes()
    shutil.rmtree(task.store)
    before = server.counts()
    task.do_fetch()
    assert (task.raw.read_bytes(), task.fetch.read_bytes()) == first
    asked = {path for path, times in server.counts().items() if times > before.get(path, 0)}
    assert asked == {f"/good/{seed}.jpg" for seed in range(3)}


def test_only_listed_images_are_used(server, tmp_path):
    """What the store holds beyond the list, and urls that the list does not name, are left."""
    (name, listed), (_, stored), (other, url) = map(server.image, range(3))
    rows = [(listed, f"{server.address}/good/{name}"), (stored, None)]
    task = Task(tmp_path, [*rows, (url, f"{server.address}/good/{other}")])
    ImageStore(task.store).put(stored, _jpeg(1), "given")
    _listing(task, listed)
    task.do_fetch()
    assert task.images() == [f"{listed}.jpg"]
    assert task.table()["status"].to_dict() == {
        listed: "verified", stored: "missing_url", url: "not_downloaded"
    }  # fmt: skip


@pytest.mark.parametrize("download", [True, False])
def test_a_listed_image_that_nobody_has_fails(server, tmp_path, download):
    """The error counts the missing images, names some and a remedy; no archive is written."""
    (name, good), absent = server.image(0), [_no_md5(str(n)) for n in range(5)]
    rows = [(md5, f"{server.address}/missing/{md5}") for md5 in absent]
    task = Task(tmp_path, [(good, f"{server.address}/good/{name}"), *rows])
    _listing(task, good, *absent)
    count = 5 if download else 6
    with pytest.raises(FetchError, match=f"{count} of the 6 images that .*--images PATH") as caught:
        task.do_fetch(download=download)
    assert sum(md5 in str(caught.value) for md5 in absent) >= 2
    assert not task.raw.exists()
    missing = pd.read_csv(tmp_path / "missing.csv").set_index("md5hash")["status"]
    assert set(missing[absent]) == {"not_found" if download else "not_downloaded"}
    assert len(missing) == count
    assert bool(server.counts()) == download


def test_a_listed_copy_is_used_by_its_bytes(server, tmp_path):
    """A listed copy is the one with its sha256; another copy of the row does not replace it."""
    name, _ = server.image(1)
    row = _no_md5("resized")
    task = Task(tmp_path, [(row, f"{server.address}/good/{name}")])
    task.run(accept_unverified=True)
    first = task.raw.read_bytes()
    store = ImageStore(task.store)
    store.put(row, _jpeg(7, side=48), "given")  # larger: the store's choice by itself
    task.run(accept_unverified=True)
    assert task.raw.read_bytes() == first
    shutil.rmtree(task.store)
    store.put(row, _jpeg(7, side=48), "given")
    task.do_fetch(accept_unverified=True)  # from the url
    assert task.raw.read_bytes() == first
    (server.folder / name).write_bytes(_jpeg(8))
    shutil.rmtree(task.store)
    with pytest.raises(FetchError, match=r"1 of the 1 images.*md5_mismatch"):
        task.do_fetch(accept_unverified=True)


def test_copies_that_are_not_accepted_need_not_be_here(server, tmp_path):
    """Without fetch.accept_unverified the outcome does not depend on the store's copies."""
    name, _ = server.image(1)
    task = Task(tmp_path, [(_no_md5("resized"), f"{server.address}/good/{name}")])
    task.run()
    first = task.raw.read_bytes(), task.fetch.read_bytes()
    shutil.rmtree(task.store)
    task.do_fetch()
    assert (task.raw.read_bytes(), task.fetch.read_bytes()) == first


def test_a_list_of_another_table_is_refused(tmp_path):
    """Images of no row mean that data.dvc and images.txt belong to different data sets."""
    task = Task(tmp_path, [(_no_md5("x"), None)])
    _listing(task, "a" * 32)
    with pytest.raises(DataError, match=r"1 images of no row.*git checkout data\.dvc images\.txt"):
        task.do_fetch()


@pytest.fixture
def small_files():
    """Let the system refuse files of more bytes than is said; None ends it."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size or before[0], before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_refuses_is_one_line_and_loses_nothing(server, tmp_path, small_files):
    """The archive cannot be written: one line, no leftovers, and a rerun asks nobody again."""
    rows = [(md5, f"{server.address}/good/{name}") for name, md5 in map(server.image, range(8))]
    task = Task(tmp_path, rows)
    small_files(3000)
    with pytest.raises(MachineError, match=r"raw\.zip cannot be written \(File too large\)"):
        task.run()
    small_files(None)
    assert not task.raw.exists()
    assert not task.fetch.exists()
    assert not list(tmp_path.glob(".raw*"))
    before = server.counts()
    assert set(task.run()["status"]) == {"verified"}
    assert server.counts() == before


def test_space_is_asked_for_what_will_be_written(tmp_path, monkeypatch):
    """A long table of which nothing can be had needs no space for its images."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100_000))
    rows = [(_no_md5(str(n)), None if n % 2 else "http://e.org/a.jpg") for n in range(200)]
    table = Task(tmp_path, rows).run(download=False)
    assert set(table["status"]) == {"missing_url", "not_downloaded"}


_CHILD = """
import sys
sys.path[:0] = [sys.argv[1], sys.argv[2]]
import test_fetch_faults as faults
from pathlib import Path
task = faults.Task(Path(sys.argv[3]))
task.run(connections_per_host=2)
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")
def test_kill_in_the_middle_loses_and_repeats_nothing(server, tmp_path, repository):
    """After kill -9 a second run asks only for what the first did not finish."""
    rows = []
    for seed in range(30):
        name, md5 = server.image(seed)
        rows.append((md5, f"{server.address}/slow/{name}"))
        rows.append((_no_md5(f"gone {seed}"), f"{server.address}/missing/{seed}"))
    task = Task(tmp_path, rows)
    command = [sys.executable, "-c", _CHILD, repository / "src", HERE, tmp_path]
    child = subprocess.Popen(command)
    deadline = time.monotonic() + 60
    while sum(server.counts().values()) < 20 and time.monotonic() < deadline:
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    first = server.counts()
    assert 20 <= sum(first.values()) < 60
    assert not task.fetch.exists()

    table = task.run(connections_per_host=2)

    assert table["status"].value_counts().to_dict() == {"verified": 30, "not_found": 30}
    assert len(task.images()) == 30
    counts = server.counts()
    assert set(counts) == {f"/{url.split('/', 3)[3]}" for _, url in rows}
    # At most the two that were under way when the first run died were asked twice.
    assert sum(counts.values()) <= len(rows) + 2
    assert not list((task.store / "interrupted").glob("*"))
