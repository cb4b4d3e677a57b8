"""The pipeline's stages, wired to a workspace's files and parameters.

dvc.yaml says when a stage runs; this module says what it is called with. A test compares the two:
a stage may use only the files and parameters that dvc.yaml declares for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tonegap.errors import ParameterError
from tonegap.files.audit_plan import read_plan
from tonegap.files.parameters import read_params
from tonegap.nearest import nearest
from tonegap.workspace import AuditFolder, PackedImages, Workspace, packed_folder

# Stages are imported when they run: torch, for one, loads slowly.


def _fetch(at: Workspace) -> None:
    from tonegap.stages import fetch  # noqa: PLC0415

    fetch.run(
        annotations=at.annotations,
        manifest=at.manifest,
        params=read_params(at.params).fetch,
        raw=at.raw,
        fetch=at.fetch,
        missing=at.missing,
    )


def _hash(at: Workspace) -> None:
    from tonegap.stages import hash  # noqa: A004, PLC0415

    hash.run(raw=at.raw, max_pixels=read_params(at.params).fetch.max_pixels, index=at.index)


def _filter(at: Workspace) -> None:
    from tonegap.cohort.rules import CohortParams  # noqa: PLC0415
    from tonegap.stages import filter  # noqa: A004, PLC0415

    params = read_params(at.params)
    filter.run(
        annotations=at.annotations,
        fetch=at.fetch,
        index=at.index,
        lists=at.lists,
        params=CohortParams(params.filter, params.groups),
        groups=at.groups,
        cohort=at.cohort,
        exclusions=at.exclusions,
        duplicates=at.duplicates,
        crossing=at.straddling,
        metrics=at.cohort_counts,
        flow=at.exclusions_flow,
    )


def _prepare(at: Workspace, image_size: int | None = None) -> None:
    from tonegap.stages import prepare  # noqa: PLC0415

    params = read_params(at.params)
    folder = PackedImages(at.root / packed_folder(image_size))
    prepare.run(
        raw=at.raw,
        cohort=at.cohort,
        image_size=image_size or params.data.image_size,
        max_pixels=params.fetch.max_pixels,
        images=folder.images,
        image_rows=folder.image_rows,
    )


def _split(at: Workspace) -> None:
    from tonegap.cohort.groups import groups_of  # noqa: PLC0415
    from tonegap.stages import split  # noqa: PLC0415

    params = read_params(at.params)
    split.run(
        cohort=at.cohort,
        data=params.data,
        share=params.share,
        groups=groups_of(params.groups),
        split=at.split,
        panel=at.panel,
    )


def _train(at: Workspace, **reused: Any) -> None:
    from tonegap.stages import train  # noqa: PLC0415

    params = read_params(at.params)
    train.run(
        model=params.model,
        train=params.train,
        data_seed=params.data.seed,
        image_size=params.data.image_size,
        images=at.images,
        image_rows=at.image_rows,
        split=at.split,
        weights_out=at.weights,
        metrics=at.train_metrics,
        **reused,
    )


def _evaluate(at: Workspace) -> None:
    from tonegap.cohort.groups import groups_of  # noqa: PLC0415
    from tonegap.stages import evaluate  # noqa: PLC0415
    from tonegap.training.precision import choose_arithmetic  # noqa: PLC0415

    params = read_params(at.params)
    evaluate.run(
        images=at.images,
        image_rows=at.image_rows,
        cohort=at.cohort,
        split=at.split,
        panel=at.panel,
        fetch=at.fetch,
        weights=at.weights,
        params=params.evaluate,
        groups=groups_of(params.groups),
        device=choose_arithmetic(params.train.device, "float32").device,
        network=params.train.perceptual_network,
        network_weights=params.train.perceptual_weights,
        settings={
            "mix": params.data.mix,
            "share": params.share,
            "seed": params.data.seed,
            "group_column": params.groups.column,
        },
        per_image=at.per_image,
        evaluation=at.evaluation,
        conditions=at.conditions,
        examples=at.examples,
        panel_sketches=at.panel_sketches,
        generation=at.generation,
        plots=at.evaluate_plots,
    )


def _analyse(at: Workspace) -> None:
    from tonegap.stages import analyse  # noqa: PLC0415

    analyse.run(
        rows=at.groups,
        study=at.study,
        study_images=at.study_images,
        study_facts=at.study_facts,
        tables=_tables(at),
        claims=at.claims,
    )


def _figures(at: Workspace) -> None:
    from tonegap.cohort.groups import groups_of  # noqa: PLC0415
    from tonegap.stages import figures  # noqa: PLC0415

    params = read_params(at.params)
    figures.run(
        annotations=at.annotations,
        rows=at.groups,
        groups=groups_of(params.groups),
        group_column=params.groups.column,
        exclusions_flow=at.exclusions_flow,
        study=at.study,
        study_images=at.study_images,
        study_facts=at.study_facts,
        examples=at.study_examples,
        private_examples=at.private_examples,
        figures=at.figures,
        private=at.private,
    )


def _report(at: Workspace) -> None:
    from tonegap.cohort.groups import groups_of  # noqa: PLC0415
    from tonegap.stages import report  # noqa: PLC0415

    report.run(
        annotations=at.annotations,
        rows=at.groups,
        groups=groups_of(read_params(at.params).groups),
        cohort_counts=at.cohort_counts,
        exclusions_flow=at.exclusions_flow,
        study=at.study,
        study_images=at.study_images,
        study_facts=at.study_facts,
        tables=_tables(at),
        claims=at.claims,
        planted=at.planted,
        figures=at.figures,
        deviations=at.deviations,
        page=at.report,
    )


def _tables(at: Workspace) -> dict[str, Path]:
    """Return the paths of the analysis' tables, by name."""
    return {
        "decomposition": at.decomposition,
        "labels": at.labels,
        "conditions_gap": at.conditions_gap,
        "heterogeneity": at.heterogeneity,
        "influence": at.influence,
        "scorecard": at.scorecard,
        "amplification": at.amplification,
    }


def _assess(at: Workspace, audit: AuditFolder) -> None:
    from tonegap.cohort.groups import groups_of  # noqa: PLC0415
    from tonegap.stages import assess  # noqa: PLC0415
    from tonegap.training.precision import choose_arithmetic  # noqa: PLC0415

    params, plan = read_params(at.params), read_plan(audit.params)
    packed = PackedImages(at.root / plan.images)
    assess.run(
        images=packed.images,
        image_rows=packed.image_rows,
        cohort=at.cohort,
        duplicates=at.duplicates,
        fetch=at.fetch,
        seen=audit.seen,
        plan=plan,
        params=params.evaluate,
        network=params.train.perceptual_network,
        network_weights=params.train.perceptual_weights,
        groups=groups_of(params.groups),
        group_column=params.groups.column,
        device=choose_arithmetic(params.train.device, "float32").device,
        per_image=audit.per_image,
        facts=audit.facts,
        examples=audit.examples,
    )


def _conclude(at: Workspace, audit: AuditFolder) -> None:
    from tonegap.stages import conclude  # noqa: PLC0415

    conclude.run(
        name=audit.name,
        annotations=at.annotations,
        per_image=audit.per_image,
        facts=audit.facts,
        examples=audit.examples,
        cohort_counts=at.cohort_counts,
        exclusions_flow=at.exclusions_flow,
        tables=audit.tables,
        claims=audit.claims,
        provenance=audit.provenance,
        page=audit.report,
    )


def _tones(at: Workspace, audit: AuditFolder) -> None:
    from tonegap.cohort.groups import groups_of  # noqa: PLC0415
    from tonegap.stages import tones  # noqa: PLC0415

    params = read_params(at.params)
    tones.run(
        plan=read_plan(audit.params),
        max_bytes=params.fetch.max_bytes,
        max_pixels=params.fetch.max_pixels,
        groups=groups_of(params.groups).to_mapping(),
        group_column=params.groups.column,
        per_image=audit.per_image,
        facts=audit.facts,
    )


def _compare(at: Workspace, audit: AuditFolder) -> None:
    from tonegap.stages import compare  # noqa: PLC0415

    compare.run(
        name=audit.name,
        annotations=at.annotations,
        cohort=at.cohort,
        fetch=at.fetch,
        per_image=audit.per_image,
        facts=audit.facts,
        tables=audit.tables,
        claims=audit.claims,
        provenance=audit.provenance,
        page=audit.report,
    )


STAGES: Mapping[str, Callable[..., None]] = MappingProxyType(
    {
        "fetch": _fetch,
        "hash": _hash,
        "filter": _filter,
        "prepare": _prepare,
        "split": _split,
        "train": _train,
        "evaluate": _evaluate,
        "analyse": _analyse,
        "figures": _figures,
        "report": _report,
    }
)
"""Every stage by name, in the order in which they run."""


def run_stage(name: str, workspace: Workspace, **reused: Any) -> None:
    """Run one stage on a workspace's files.

    Parameters
    ----------
    reused
        For ``train``: what earlier runs of this process left (``workbench``). For ``prepare``:
        another size than ``data.image_size`` (``image_size``), packed into a folder of its own.

    Raises
    ------
    ParameterError
        If there is no such stage.
    """
    if name not in STAGES:
        raise ParameterError(f"there is no stage {name!r}; {nearest(name, STAGES)}")
    STAGES[name](workspace, **reused)


AUDIT_STAGES: Mapping[str, Callable[[Workspace, AuditFolder], None]] = MappingProxyType(
    {"assess": _assess, "conclude": _conclude, "tones": _tones, "compare": _compare}
)
"""Every stage of an audit by name, in the order in which they run."""


def run_audit_stage(name: str, workspace: Workspace, audit: str) -> None:
    """Run one stage of an audit.

    Raises
    ------
    ParameterError
        If there is no such stage.
    """
    if name not in AUDIT_STAGES:
        raise ParameterError(f"an audit has no stage {name!r}; {nearest(name, AUDIT_STAGES)}")
    AUDIT_STAGES[name](workspace, AuditFolder(workspace.audits / audit))
