"""The workflow that may comment: the right pull request, one comment, no token elsewhere."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import comment
import pytest
from comment import BOT, LONGEST, MARK, PLOTS, REPORT

SHA, OLD = "a" * 40, "b" * 40
HERE, FORK, OWNER = "tone/gap", "somebody/gap", "somebody"


def zipped(text: str, name: str = "report.md") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, text)
    return stream.getvalue()


class _Answers(BaseHTTPRequestHandler):
    """GitHub's interface and, at /storage, the storage of its artifacts."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        hub, address = self.server.hub, urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(address.query).items()}
        path = address.path.removeprefix(f"/repos/{HERE}")
        if path == "/storage":
            hub.tokens_at_storage.append(self.headers["Authorization"])
            return self.answer(200, hub.artifact)
        assert self.headers["Authorization"] == "Bearer secret"
        if path.endswith("/zip"):
            return self.answer(302, b"", Location=hub.storage)
        entries = {"/pulls": hub.pulls_of(query.get("head")), "/issues/5/comments": hub.comments}
        listed = entries.get(path, hub.artifacts)
        first = (int(query["page"]) - 1) * int(query["per_page"])
        page = listed[first : first + int(query["per_page"])]
        content = page if path in entries else {"artifacts": page}
        return self.answer(200, json.dumps(content).encode())

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.hub.written.append((self.command, self.path, body["body"]))
        self.answer(201, b"{}")

    do_PATCH = do_POST  # noqa: N815  the name is the method of HTTP

    def answer(self, code, content, **headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Hub:
    """What GitHub knows: pull requests, comments, artifacts; and what was written to it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.storage = f"{address}/storage"
        self.pulls = [pull(5)]
        self.comments: list[dict] = []
        self.artifacts = [artifact(7, REPORT), artifact(8, PLOTS)]
        self.artifact = zipped("## Title\n\n| `mse.gap` | 0.1 |")
        self.written: list[tuple[str, str, str]] = []
        self.tokens_at_storage: list[str | None] = []

    def pulls_of(self, head: str | None) -> list[dict]:
        return [p for p in self.pulls if f"{p['head']['user']}:{p['head']['ref']}" == head]


def pull(number: int, sha: str = SHA, repo: str = FORK, base: str = HERE) -> dict:
    head = {
        "sha": sha,
        "user": repo.split("/", maxsplit=1)[0],
        "ref": "topic ::x",
        "repo": {"full_name": repo},
    }
    return {"number": number, "head": head, "base": {"repo": {"full_name": base}}}


def artifact(identity: int, name: str, *, expired: bool = False) -> dict:
    return {"id": identity, "name": name, "expired": expired, "size_in_bytes": 9}


@pytest.fixture
def hub():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    server.hub = Hub(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.hub
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def finish(hub, tmp_path, monkeypatch, capsys):
    """Let a run end, and give what the workflow prints."""

    def end(**changes: object) -> str:
        run = {
            "id": 3,
            "event": "pull_request",
            "conclusion": "failure",
            "head_sha": SHA,
            "head_branch": "topic ::x",
            "head_repository": {"full_name": FORK, "owner": {"login": OWNER}},
            "pull_requests": [],
            **changes,
        }
        path = tmp_path / "event.json"
        path.write_text(json.dumps({"workflow_run": run}))
        for name, value in (
            ("GITHUB_EVENT_PATH", str(path)),
            ("GITHUB_API_URL", hub.address),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", HERE),
            ("GITHUB_TOKEN", "secret"),
        ):
            monkeypatch.setenv(name, value)
        comment.main()
        return capsys.readouterr().out

    return end


def test_a_fork_gets_its_comment(hub, finish):
    """The pull request is found by head; the comment has verdict, links and tables."""
    assert finish() == "added the comment on pull request 5\n"
    ((method, path, body),) = hub.written
    assert (method, path) == ("POST", f"/repos/{HERE}/issues/5/comments")
    assert body.startswith(MARK)
    assert "ended with **failure**" in body
    assert f"[{PLOTS}](https://github.com/{HERE}/actions/runs/3/artifacts/8)" in body
    assert "| `mse.gap` | 0.1 |" in body


def test_the_token_stays_with_github(hub, finish):
    """The storage of artifacts is another host, which must not see it."""
    finish()
    assert hub.tokens_at_storage == [None]


def test_an_address_of_another_kind_is_not_opened(hub, finish):
    """A redirect to a file of the runner is an error."""
    hub.storage = "file:///etc/passwd"
    with pytest.raises(comment.urllib.error.HTTPError):
        finish()
    assert hub.written == []


def test_there_is_one_comment(hub, finish):
    """An earlier one is replaced, on any page of comments; those of others are left alone."""
    others = [
        {"id": 1, "user": {"login": "eve"}, "body": f"{MARK}\nforged"},
        {"id": 2, "user": {"login": BOT}, "body": "another bot's"},
        {"id": 3, "user": {"login": BOT}, "body": f"quotes {MARK}"},
        {"id": 4, "user": None, "body": None},
    ]
    many = [{"id": n, "user": {"login": "ann"}, "body": "hello"} for n in range(100, 200)]
    ours = {"id": 44, "user": {"login": BOT}, "body": f"{MARK}\nold"}
    hub.comments = [*others, *many, ours]
    assert finish() == "updated the comment on pull request 5\n"
    assert [entry[:2] for entry in hub.written] == [("PATCH", f"/repos/{HERE}/issues/comments/44")]


@pytest.mark.parametrize(
    "pulls",
    [
        [],
        [pull(5, sha=OLD)],
        [pull(5, repo=HERE)],
        [pull(5, base="other/gap")],
        [pull(5), pull(6)],
    ],
)
def test_another_pull_request_gets_none(hub, finish, pulls):
    """A newer push, another repository or two pull requests of one commit: nothing is written."""
    hub.pulls = pulls
    assert "not the present head" in finish()
    assert hub.written == []


def test_a_branch_of_the_repository_is_found_by_number(hub, finish):
    """Where GitHub names the pull request, no other one counts."""
    hub.pulls = [pull(5, repo=HERE), pull(6, repo=HERE)]
    head = {"full_name": HERE, "owner": {"login": "tone"}}
    finish(head_repository=head, pull_requests=[{"number": 5}])
    assert hub.written[0][1].endswith("/issues/5/comments")


@pytest.mark.parametrize(
    "changes",
    [
        {"event": "push"},
        {"conclusion": "cancelled"},
        {"conclusion": None},
        {"head_repository": None},
        {"head_sha": "main"},
    ],
)
def test_other_runs_are_passed_over(hub, finish, changes):
    """A push, a cancelled run, a deleted fork: nothing is written."""
    assert "nothing to report" in finish(**changes)
    assert hub.written == []


@pytest.mark.parametrize(
    ("artifacts", "content", "words"),
    [
        ([], b"", "left no report"),
        ([artifact(7, REPORT, expired=True)], b"", "left no report"),
        ([artifact(7, "Pull-Request-Report")], b"", "left no report"),
        ([artifact(7, REPORT)], b"no zip", "is not shown: the artifact is not a readable zip"),
        ([artifact(7, REPORT)], zipped("x", "../x"), "is not shown: the artifact does not hold"),
        ([artifact(7, REPORT)], b"0" * 1_100_000, "is not shown: the artifact has more than"),
    ],
)
def test_a_report_that_cannot_be_shown_is_said(hub, finish, artifacts, content, words):
    """An absent or refused artifact is a sentence; an old comment does not stay as if current."""
    hub.artifacts, hub.artifact = artifacts, content
    finish()
    assert words in hub.written[0][2]


def test_names_of_artifacts_never_reach_the_comment(hub, finish):
    """The run chose them; only the two expected ones are linked."""
    hub.artifacts += [artifact(9, "](http://evil) @team"), artifact(10, REPORT + " ")]
    finish()
    assert "evil" not in hub.written[0][2]


def test_the_newest_artifact_counts(hub, finish):
    """A run that was repeated has one artifact per attempt."""
    hub.artifacts = [artifact(9, PLOTS), artifact(8, PLOTS)]
    finish()
    assert "/artifacts/9)" in hub.written[0][2]


def test_a_long_report_is_cut(hub, finish):
    """The comment fits GitHub's limit, whatever the characters, and says that it was cut."""
    hub.artifact = zipped("😀&|*" * 500 + "\n" + "| a | b |\n" * 20_000)
    finish()
    body = hub.written[0][2]
    assert len(body.encode("utf-16-le")) // 2 <= LONGEST
    assert len(body) > LONGEST - 1_000
    assert "The rest is cut" in body


def test_a_mark_in_the_report_is_text(hub, finish):
    """A report cannot pass for our comment, and prints no command of the workflow's log."""
    hub.artifact = zipped(f"{MARK}\n::set-output name=x::y\n@team")
    printed = finish()
    body = hub.written[0][2]
    assert body.count(MARK) == 1
    assert "::" not in body
    assert "@team" not in body
    assert "set-output" not in printed
