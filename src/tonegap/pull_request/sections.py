"""The sections of a pull request report, in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tonegap.errors import ParameterError
from tonegap.files.parameters import parse_value
from tonegap.files.repository import file_at, git
from tonegap.pull_request.base import Base
from tonegap.pull_request.gate import Gate, Judgement, Verdict, edited, gate_from_mapping
from tonegap.pull_request.machine import describe_machine
from tonegap.pull_request.reproduction import Reproduced
from tonegap.pull_request.tables import gate_table, moved
from tonegap.workspace import Workspace

_TABLE_HEAD = 2
_LOCK_OF_PACKAGES = "requirements.lock"


def failing(judgements: Sequence[Judgement]) -> list[Judgement]:
    """Return the limits that the change exceeds beyond noise."""
    return [judgement for judgement in judgements if judgement.verdict is Verdict.FAILS]


def headline(judgements: Sequence[Judgement], problem: str) -> str:
    """Say in one sentence what the gate says."""
    if problem:
        return "**The gate cannot judge**: see below."
    if failed := failing(judgements):
        return f"**The gate fails**: {'. '.join(map(moved, failed))}."
    if judgements:
        return "**The gate passes.**"
    return "**There is no gate**: gate.yaml limits nothing."


def origin(root: Path, base: Base, reproduced: Reproduced) -> str:
    """Say which commits were compared, where they were computed, and what restricts that."""
    lines = [f"Compared with {base.words}."]
    if reproduced.problem:
        lines.append(
            "**The base was not reproduced**: its numbers are those that were committed, perhaps "
            "on another processor, so a part of each change may be the processor's. The reason: "
            f"{reproduced.problem}"
        )
        lines.append(f"This change was reproduced on: {describe_machine()}.")
    else:
        lines.append(f"Both were reproduced on one machine: {describe_machine()}.")
        if _differs(root, base.commit, _LOCK_OF_PACKAGES):
            lines.append(
                f"Both ran with the packages installed here, although {_LOCK_OF_PACKAGES} differs."
            )
    return "\n\n".join(lines)


def gate_section(
    root: Path,
    base: Base,
    gate: Gate,
    judgements: Sequence[Judgement],
    problem: str,
    *,
    known: bool,
) -> str:
    """Show every limit of the gate, how to read it, and what the change edits of it."""
    parts = [problem, gate_table(judgements, base.label) if judgements else ""]
    if judgements:
        parts += [_rule(known=known), _how_to_accept(judgements)]
    else:
        parts += ["" if problem else "No budget is set; `gate.yaml` would hold them."]
    parts += [_edited_budgets(root, base.commit, gate), _edited_noise(root, base.commit)]
    return "\n\n".join(part for part in parts if part)


def _rule(*, known: bool) -> str:
    if not known:
        return (
            f"No noise band is known ({Workspace.noise} is not there): each change is judged on "
            "its budget alone, and a part of it may be noise."
        )
    return (
        "A metric fails if its change exceeds the budget by more than the noise: the half-width of "
        "the 95 % interval of a difference between equal designs with other training seeds."
    )


def _how_to_accept(judgements: Sequence[Judgement]) -> str:
    if not failing(judgements):
        return ""
    return (
        "To accept the change, raise the budget in `gate.yaml` in this same pull request and say "
        "why: reviewers see the edit."
    )


def _edited_budgets(root: Path, commit: str, gate: Gate) -> str:
    """Say which budgets the change itself edits, so that no limit is lifted unseen."""
    text = file_at(root, commit, Workspace.gate.as_posix())
    try:
        before = gate_from_mapping(parse_value(text)) if text else {}
    except ParameterError:
        return "**This change edits `gate.yaml`**; the base's cannot be read."
    phrases = edited(before, gate)
    return f"**This change edits `gate.yaml`**: {'; '.join(phrases)}." if phrases else ""


def _edited_noise(root: Path, commit: str) -> str:
    if not _differs(root, commit, Workspace.noise.as_posix()):
        return ""
    return f"**This change edits `{Workspace.noise}`**: the bands are its own, not the base's."


def about_the_study(root: Path, commit: str) -> str:
    """Say that the boxes of both sides are the same runs, where they are."""
    if _differs(root, commit, Workspace.study.as_posix()):
        return ""
    return (
        f"\n\nThe boxes are equal on both sides: {Workspace.study} is that of the base. `tonegap "
        "study run` and `tonegap study collect` bring the study up to this change."
    )


def _differs(root: Path, commit: str, path: str) -> bool:
    """Return True if a tracked file of the checkout is not that of a commit."""
    return bool(git(root, "diff", "--name-only", commit, "--", path))


def has_rows(table: str) -> bool:
    """Return True if a Markdown table has a row below its head."""
    return len(table.strip().splitlines()) > _TABLE_HEAD


def section(title: str, body: str) -> str:
    """Put a title above a text; an empty text is no change."""
    return f"### {title}\n\n{body.strip() or 'No change.'}"


def listing(pictures: Sequence[Path]) -> str:
    """Name the pictures in the artifact."""
    if not pictures:
        return "See index.html of the artifact `plots-diff`."
    names = "\n".join(f"- `{path.name}`" for path in pictures)
    return f"In the artifact `plots-diff` (index.html, and as pictures):\n\n{names}"
