"""The prepared cohort as Croissant metadata (JSON-LD), with the fields of its RAI vocabulary.

Sources: the format, https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html; its
vocabulary for responsible AI, https://docs.mlcommons.org/croissant/docs/croissant-rai-spec.html.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from tonegap.interchange.columns import TEXT, column_of
from tonegap.interchange.datasets import DataSet

CONFORMS_TO: Final = (
    "http://mlcommons.org/croissant/1.1",
    "http://mlcommons.org/croissant/RAI/1.0",
)
COHORT_FILE: Final = "cohort.csv"
PACKED_FILE: Final = "images.csv"

_TERMS: Final = (
    *("arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field"),
    *("fileObject", "fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset"),
    *("jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex"),
    *("repeated", "replace", "samplingRate", "separator", "source", "subField", "transform"),
)
_CONTEXT: Final[Mapping[str, Any]] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    **{term: f"cr:{term}" for term in _TERMS},
}
_WITHHELD: Final = (
    "The pictures show patients: this entry names them by their hash and gives nobody access "
    "(docs/remotes.md)."
)


@dataclass(frozen=True)
class File:
    """A file of the cohort.

    Attributes
    ----------
    name
        Its identifier in the metadata.
    url
        Its place, relative to the metadata.
    meaning
        What it is.
    media_type
        Its format, such as ``text/csv``.
    size
        Bytes.
    sha256, md5
        Hashes of its content.
    pictures
        True if it holds pictures.
    """

    name: str
    url: str
    meaning: str
    media_type: str
    size: int
    sha256: str
    md5: str
    pictures: bool = False


def croissant(
    data: DataSet,
    counts: Mapping[str, Any],
    cohort: pd.DataFrame,
    files: Sequence[File],
    *,
    version: str,
    recorded_on: str,
    image_size: int,
) -> dict[str, Any]:
    """Describe the cohort.

    Parameters
    ----------
    data
        The data set that the cohort was taken from.
    counts
        metrics/cohort.json.
    cohort
        data/cohort.csv.
    files
        The cohort's files, among them :data:`COHORT_FILE` and :data:`PACKED_FILE`.
    version
        Version of the cohort, as Semantic Versioning has it.
    recorded_on
        Day on which git recorded the choice of the data, such as ``2026-11-29``.
    image_size
        Side of the prepared pictures, pixels.
    """
    known = data.documented
    document: dict[str, Any] = {
        "@context": dict(_CONTEXT),
        "@type": "sc:Dataset",
        "name": f"{data.name}-cohort",
        "description": _description(data, counts),
        "conformsTo": list(CONFORMS_TO),
        "citeAs": known.citation,
        "license": data.licence_url or data.licence,
        "url": known.page,
        "creator": [{"@type": "sc:Organization", "name": name} for name in known.creators],
        "datePublished": recorded_on,
        "version": version,
        "keywords": ["dermatology", "fairness", "skin tone", data.name],
        **_responsible(data, counts, image_size),
        "distribution": [_file_object(file, shown=bool(data.patients)) for file in files],
        "recordSet": [_cohort_records(cohort), _packed_records()],
    }
    return {key: value for key, value in document.items() if value is not None}


def _description(data: DataSet, counts: Mapping[str, Any]) -> str:
    basis = "photographs of patients" if data.patients else "phantoms: nobody is shown"
    return (
        f"{data.title}, as tonegap selected and prepared it: {_by_group(counts['cohort'])} "
        f"({basis}). Terms: {data.licence}."
    )


def _by_group(counts: Mapping[str, int]) -> str:
    groups = ", ".join(f"{count} {name}" for name, count in counts.items() if name != "all")
    return f"{counts['all']} images, {groups}"


def _responsible(data: DataSet, counts: Mapping[str, Any], image_size: int) -> dict[str, Any]:
    known, warning = data.documented, str(counts.get("tone_warning") or "")
    fields = {
        "dataCollection": known.collection,
        "dataCollectionType": list(known.collection_types),
        "dataCollectionMissingData": _missing(counts["steps"]),
        "dataPreprocessingProtocol": _preparation(counts["steps"], image_size),
        "dataAnnotationProtocol": known.annotation,
        "dataBiases": [*known.biases, f"In this cohort: {_by_group(counts['cohort'])}."],
        "dataLimitations": [*known.limitations, *_shared(counts), *([warning] if warning else [])],
        "personalSensitiveInformation": list(known.sensitive),
        "dataUseCases": list(known.use_cases),
        "dataSocialImpact": known.social_impact,
        "dataReleaseMaintenancePlan": (
            "data.dvc and images.txt pin the table and the images of a commit; another choice of "
            "data is another commit, and gives other hashes below."
        ),
    }
    return {f"rai:{name}": value for name, value in fields.items()}


def _missing(steps: Mapping[str, Mapping[str, int]]) -> str:
    annotated = _all(steps, "annotated")
    kept = min(_all(steps, step) for step in steps)
    return (
        f"Of {annotated} annotated rows {kept} passed every rule; data/exclusions.csv says why "
        "each of the others left."
    )


def _preparation(steps: Mapping[str, Mapping[str, int]], image_size: int) -> list[str]:
    names = list(steps)
    left = [
        f"Rule {name!r}: {_all(steps, before) - _all(steps, name)} rows left, "
        f"{_all(steps, name)} stay."
        for before, name in itertools.pairwise(names)
    ]
    return [
        *left,
        f"Pictures are cut square and scaled to {image_size} x {image_size} pixels, RGB.",
    ]


def _all(steps: Mapping[str, Mapping[str, int]], name: str) -> int:
    return int(steps[name]["all"])


def _shared(counts: Mapping[str, Any]) -> list[str]:
    copies = counts["duplicates"]
    return [
        f"{copies['images']} images are near duplicates of others, in {copies['clusters']} sets.",
        (
            f"Sets that cross groups: {copies['straddling_groups']}, labels: "
            f"{copies['straddling_labels']}, sources: {copies['straddling_sources']}."
        ),
    ]


def _file_object(file: File, *, shown: bool) -> dict[str, Any]:
    withheld = f" {_WITHHELD}" if shown and file.pictures else ""
    return {
        "@type": "cr:FileObject",
        "@id": file.name,
        "name": file.name,
        "description": f"{file.meaning}{withheld}",
        "contentUrl": file.url,
        "contentSize": f"{file.size} B",
        "encodingFormat": file.media_type,
        "sha256": file.sha256,
        "md5": file.md5,
    }


def _cohort_records(cohort: pd.DataFrame) -> dict[str, Any]:
    fields = [
        _field("cohort", COHORT_FILE, str(name), *column_of(str(name), cohort[name]))
        for name in cohort.columns
    ]
    return _records("cohort", "The images that are assessed, one a record.", "md5hash", fields)


def _packed_records() -> dict[str, Any]:
    row = _field("packed", PACKED_FILE, "row", "sc:Integer", "Row of images.npy, from 0.")
    image = _field("packed", PACKED_FILE, "md5hash", TEXT, "The image of that row.")
    image["references"] = {"field": {"@id": "cohort/md5hash"}}
    meaning = "Which row of images.npy holds which image."
    return _records("packed", meaning, "row", [row, image])


def _records(name: str, meaning: str, key: str, fields: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": meaning,
        "key": {"@id": f"{name}/{key}"},
        "field": fields,
    }


def _field(records: str, file: str, column: str, data_type: str, meaning: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{records}/{column}",
        "name": column,
        "description": meaning,
        "dataType": data_type,
        "source": {"fileObject": {"@id": file}, "extract": {"column": column}},
    }
