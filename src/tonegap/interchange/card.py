"""A Hugging Face model card: its metadata as values, its text as Markdown.

Source of the metadata's keys: https://huggingface.co/docs/hub/model-cards, and for ``model-index``
https://github.com/huggingface/hub-docs/blob/main/modelcard.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jinja2

from tonegap.errors import DataError
from tonegap.facts import basis_of, caveats_of
from tonegap.groups import Groups
from tonegap.interchange.datasets import DataSet
from tonegap.measures import MEASURES, SCORES, Measure, Score

_SIGMA: Final = "sigma"
_TASK: Final = {"type": "image-reconstruction", "name": "Reconstruction"}
_ABSENT: Final = "\N{EN DASH}"
_WITHHELD_LICENCE: Final = "not-for-publication"


@dataclass(frozen=True)
class Run:
    """One trained model and its assessment.

    Attributes
    ----------
    evaluation
        metrics/evaluate.json.
    parameters
        Parameters of data, model and training, by dotted key.
    factory
        What builds the network, ``package.module:function``.
    image_size
        Side of its pictures, pixels.
    made_on
        Device and versions that trained it.
    commit, uncommitted
        The commit that is checked out, and files of the run that differ from it.
    version
        Version of tonegap.
    hashes
        sha256 of the files of the run, by path.
    weights
        Path of the weights, a key of ``hashes``.
    """

    evaluation: Mapping[str, Any]
    parameters: Mapping[str, Any]
    factory: str
    image_size: int
    made_on: Mapping[str, str]
    commit: str
    uncommitted: tuple[str, ...]
    version: str
    hashes: Mapping[str, str]
    weights: str

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings that change what the numbers mean."""
        settings: Mapping[str, Any] = self.evaluation.get("settings", {})
        return settings

    @property
    def groups(self) -> Groups:
        """The groups that were compared."""
        return Groups.from_mapping(self.settings.get("groups", {}))

    @property
    def name(self) -> str:
        """Name of the model: the network's module, the mix and the seed."""
        module = self.factory.partition(":")[0].rpartition(".")[2]
        return f"tonegap-{module}-{self.settings['mix']}-{self.settings['seed']}"


def card_metadata(run: Run, data: DataSet) -> dict[str, Any]:
    """Return the YAML block of the card."""
    basis = basis_of(run.settings)
    return {
        **_licence(data),
        "language": "en",
        "tags": [
            *("tonegap", "image-reconstruction", "dermatology", "fairness", "skin-tone"),
            *(words.replace(" ", "-") for words in basis),
        ],
        "datasets": [data.name],
        "metrics": [row.name for row in _rows(run.evaluation) if _own(row)],
        "model-index": [{"name": run.name, "results": list(_results(run, data, basis))}],
    }


def card_text(run: Run, data: DataSet) -> str:
    """Return the text below the YAML block."""
    basis = basis_of(run.settings)
    text = (
        _environment()
        .get_template("card.md.j2")
        .render(
            title=f"{run.name} ({', '.join(basis)})" if basis else run.name,
            caveats=_caveats(run, data),
            basis_words=f". They rest on {' and '.join(basis)}" if basis else "",
            factory=run.factory,
            size=run.image_size,
            withheld=f"They were trained on photographs of patients ({data.patients})."
            if data.patients
            else "",
            sha256=run.hashes[run.weights],
            data=data,
            settings=run.settings,
            share=f"{float(run.settings['share']):.0%}",
            groups=run.groups,
            rows=[_shown(row, run) for row in _rows(run.evaluation)],
            parameters=run.parameters,
            commit=run.commit,
            uncommitted=_uncommitted(run),
            version=run.version,
            made_on=run.made_on,
            hashes={path: value for path, value in run.hashes.items() if path != run.weights},
        )
    )
    return text.rstrip() + "\n"


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("tonegap.interchange"),
        autoescape=False,  # noqa: S701  Markdown, of our own numbers and a checked preset
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _licence(data: DataSet) -> dict[str, str]:
    """Return the card's licence: that of the code for a model of the embedded phantoms alone."""
    if data.name == "phantom":
        return {"license": "mit"}
    name = _WITHHELD_LICENCE if data.patients else "not-recorded"
    return {"license": "other", "license_name": name}


def _caveats(run: Run, data: DataSet) -> list[str]:
    collapsed = [run.name] if run.settings.get("posterior_collapsed") else []
    facts = {"settings": run.settings, "collapsed": collapsed, "runs_done": 1, "runs_planned": 1}
    shown = "Trained on photographs of patients: to publish this model is a decision about them."
    return [*caveats_of(facts), *([shown] if data.patients else [])]


def _rows(evaluation: Mapping[str, Any]) -> list[Measure | Score]:
    """Return the measures of this run, and sigma."""
    rows: list[Measure | Score] = [*MEASURES, *(row for row in SCORES if row.name == _SIGMA)]
    return [row for row in rows if row.name in evaluation]


def _own(row: Measure | Score) -> bool:
    """Return True if the model itself gives the number, not a baseline."""
    return isinstance(row, Score) or row.per_image


def _results(run: Run, data: DataSet, basis: list[str]) -> Iterator[dict[str, Any]]:
    """Yield one result per group, then the gap."""
    groups = run.groups
    rests_on = f" ({', '.join(basis)})" if basis else ""
    for key, words in (
        *((name, groups.described(name)) for name in groups.pair),
        ("gap", f"gap, {groups.gap}"),
    ):
        metrics = [
            {"type": row.name, "name": f"{row.axis}, {words}{rests_on}", "value": value}
            for row in _rows(run.evaluation)
            if _own(row) and (value := _value(run, row, key)) is not None
        ]
        dataset = {"name": f"{data.title}, {words}", "type": data.name, "config": key}
        yield {"task": dict(_TASK), "dataset": dataset, "metrics": metrics}


def _value(run: Run, row: Measure | Score, key: str) -> float | None:
    try:
        value = run.evaluation[row.name][key]
    except (KeyError, TypeError):
        raise DataError(
            f"metrics/evaluate.json has no {row.name}.{key}, so the card would lack it; run "
            "`dvc repro evaluate`"
        ) from None
    return float(value) if value is not None and math.isfinite(value) else None


def _shown(row: Measure | Score, run: Run) -> dict[str, Any]:
    better = row.better if isinstance(row, Measure) else ""
    values = [_written(_value(run, row, key)) for key in run.groups.pair]
    return {
        "words": row.axis,
        "better": better,
        "values": values,
        "gap": _written(_value(run, row, "gap")),
    }


def _written(value: float | None) -> str:
    return _ABSENT if value is None else f"{value:.4g}"


def _uncommitted(run: Run) -> str:
    if not run.uncommitted:
        return ""
    return f", with changes that it does not hold: {', '.join(run.uncommitted)}"
