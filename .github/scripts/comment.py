"""Keep one comment on a pull request: the report that its latest run made.

This runs in the workflow `pull request comment`, which may write comments. The run that made
the report could not, and everything of it is treated as hostile (untrusted_report.py). Only
Python's standard library is used; nothing of the pull request is checked out or executed, and
nothing of its report is printed to the log.
"""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from untrusted_report import MOST_ZIPPED, RefusedError, defused, read_report

REPORT = "pull-request-report"
PLOTS = "plots-diff"
MARK = "<!-- tonegap: pull request report -->"
LONGEST = 65_536  # GitHub's limit for a comment, in UTF-16 units to be safe
BOT = "github-actions[bot]"
_ENDINGS = ("success", "failure")
_FOUND = 302  # GitHub names the address of its storage
_PAGE = 100
_MOST_PAGES = 30
_SHA = re.compile(r"[0-9a-f]{40}")
_CUT = "\n\n**The rest is cut**: it would exceed GitHub's limit for a comment. The artifact has it."


@dataclass(frozen=True)
class Run:
    """The finished run of the report's workflow, as GitHub's event describes it.

    Attributes
    ----------
    identity : int
        Number of the run.
    ending : str
        ``success``, ``failure``, or another word for a run without result.
    sha : str
        The head commit that ran.
    owner, branch, repository : str
        Where the head lies; for a fork, the fork. The contributor chose these words.
    numbers : tuple of int
        Pull requests that GitHub names; none for forks.
    """

    identity: int
    ending: str
    sha: str
    owner: str
    branch: str
    repository: str
    numbers: tuple[int, ...]


def run_of(event: Mapping[str, Any]) -> Run | None:
    """Read the event; None if it is no run of a pull request that came to an end."""
    run = event["workflow_run"]
    head = run.get("head_repository")
    if run["event"] != "pull_request" or not head or not _SHA.fullmatch(run["head_sha"]):
        return None
    return Run(
        int(run["id"]),
        str(run["conclusion"]),
        run["head_sha"],
        head["owner"]["login"],
        run["head_branch"],
        head["full_name"],
        tuple(int(pull["number"]) for pull in run["pull_requests"]),
    )


class _StayHere(urllib.request.HTTPRedirectHandler):
    """Follow no redirect by itself: it would carry the token to another host."""

    def redirect_request(self, *_: object) -> None:
        """Leave the answer to the caller."""


class GitHub:
    """The few calls of GitHub's interface that are needed here.

    Parameters
    ----------
    address
        Of the interface, such as https://api.github.com.
    repository
        The repository that the pull request is made to, as owner/name.
    token
        Of this workflow.
    """

    def __init__(self, address: str, repository: str, token: str) -> None:
        self.repository = repository
        self._address = f"{address}/repos/{repository}"
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        self._scheme = f"{urllib.parse.urlsplit(address).scheme}://"
        self._opener = urllib.request.build_opener(_StayHere)

    def all(self, path: str, key: str | None = None, **query: str) -> Iterator[dict[str, Any]]:
        """Yield the entries of a list, page by page."""
        for page in range(1, _MOST_PAGES + 1):
            asked = urllib.parse.urlencode({**query, "per_page": _PAGE, "page": page})
            answer = json.loads(self._ask("GET", f"{path}?{asked}"))
            entries = answer[key] if key else answer
            yield from entries
            if len(entries) < _PAGE:
                return

    def send(self, method: str, path: str, body: str) -> None:
        """Write a comment."""
        self._ask(method, path, json.dumps({"body": body}).encode())

    def artifact(self, identity: int) -> bytes:
        """Return the zip of an artifact, or its first bytes if it is larger than allowed."""
        try:
            return self._ask("GET", f"/actions/artifacts/{identity}/zip", most=MOST_ZIPPED + 1)
        except urllib.error.HTTPError as answer:
            place = answer.headers.get("Location") or ""
            if answer.code != _FOUND or not place.startswith(self._scheme):
                raise
        with self._opener.open(place) as stream:  # without the token: it is not GitHub's host
            return stream.read(MOST_ZIPPED + 1)

    def _ask(self, method: str, path: str, data: bytes | None = None, most: int = -1) -> bytes:
        request = urllib.request.Request(  # noqa: S310  the address is the runner's
            self._address + path, data, self._headers, method=method
        )
        with self._opener.open(request) as stream:
            return stream.read(most)


def pull_request_of(github: GitHub, run: Run) -> int | None:
    """Find the open pull request whose present head is the commit that ran.

    GitHub names the pull requests of a run for branches of the repository alone. Those of
    forks are found by head repository, branch and commit. None if there is no such pull
    request, because somebody pushed since, or more than one.
    """
    found = [
        pull["number"]
        for pull in github.all("/pulls", state="open", head=f"{run.owner}:{run.branch}")
        if pull["head"]["sha"] == run.sha
        and (pull["head"]["repo"] or {}).get("full_name") == run.repository
        and pull["base"]["repo"]["full_name"] == github.repository
        and (not run.numbers or pull["number"] in run.numbers)
    ]
    return int(found[0]) if len(found) == 1 else None


def comment_of(github: GitHub, run: Run, page: str) -> str:
    """Write the comment: what GitHub says of the run, links to its artifacts, its report."""
    newest: dict[str, dict[str, Any]] = {}
    for entry in github.all(f"/actions/runs/{run.identity}/artifacts", "artifacts"):
        if not entry["expired"] and entry["id"] > newest.get(entry["name"], {"id": 0})["id"]:
            newest[entry["name"]] = entry
    run_page = f"{page}/{github.repository}/actions/runs/{run.identity}"
    links = [
        f"[{name}]({run_page}/artifacts/{int(newest[name]['id'])})"
        for name in (PLOTS, REPORT)
        if name in newest
    ]
    head = (
        f"{MARK}\n[The report's run]({run_page}) for `{run.sha[:10]}` ended with **{run.ending}**. "
        f"Artifacts: {', '.join(links) or 'none'}.\n\n"
        "<sub>What follows was written by the pull request's own code. Trust it as much as the "
        "change; the run's ending is GitHub's word.</sub>\n\n---\n"
    )
    return _fitted(head, _report(github, newest.get(REPORT)))


def _report(github: GitHub, artifact: Mapping[str, Any] | None) -> list[str]:
    if artifact is None:
        return ["The run left no report; its log says why."]
    try:
        return defused(read_report(github.artifact(int(artifact["id"]))))
    except RefusedError as error:
        return [f"The report is not shown: {error}."]


def _fitted(head: str, lines: list[str]) -> str:
    """Join lines up to the limit of a comment."""
    body, room = head, LONGEST - _units(head) - _units(_CUT)
    for line in lines:
        room -= _units(line) + 1
        if room < 0:
            return body + _CUT
        body += f"\n{line}"
    return body


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def post(github: GitHub, number: int, body: str) -> str:
    """Write the comment, in place of an earlier one; return what was done."""
    for comment in github.all(f"/issues/{number}/comments"):
        ours = (comment["user"] or {}).get("login") == BOT
        if ours and (comment["body"] or "").startswith(MARK):
            github.send("PATCH", f"/issues/comments/{int(comment['id'])}", body)
            return "updated"
    github.send("POST", f"/issues/{number}/comments", body)
    return "added"


def main() -> None:
    """Post the report of the run that the event names."""
    event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    run = run_of(event)
    if run is None or run.ending not in _ENDINGS:
        print("nothing to report: the run is no finished one of a pull request")
        return
    github = GitHub(
        os.environ["GITHUB_API_URL"], os.environ["GITHUB_REPOSITORY"], os.environ["GITHUB_TOKEN"]
    )
    number = pull_request_of(github, run)
    if number is None:
        print("nothing to report: the commit is not the present head of exactly one pull request")
        return
    body = comment_of(github, run, os.environ["GITHUB_SERVER_URL"])
    print(f"{post(github, number, body)} the comment on pull request {number}")


if __name__ == "__main__":
    main()
