"""metrics/noise.json: how much each metric varies between runs that differ in their seed only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pydantic

from tonegap.errors import DataError, one_line
from tonegap.files.tables import read_json

_WHAT = "the noise bands of the metrics"


class Noise(pydantic.BaseModel):
    """The noise of one metric, in the metric's own unit.

    Attributes
    ----------
    sd : float
        Standard deviation over runs of one design with other training seeds.
    n : int
        Number of those runs.
    band : float
        Half-width such that two runs of the same design differ by more in 5 % of pairs.
    """

    model_config = pydantic.ConfigDict(frozen=True, strict=True)

    sd: Annotated[float, pydantic.Field(ge=0.0, allow_inf_nan=False)]
    n: Annotated[int, pydantic.Field(ge=2)]
    band: Annotated[float, pydantic.Field(ge=0.0, allow_inf_nan=False)]


class _Document(pydantic.BaseModel):
    schema_: Annotated[Literal["tonegap-noise-1"], pydantic.Field(alias="schema")]
    metrics: dict[str, Noise]


def read_noise(path: Path) -> dict[str, Noise]:
    """Read the noise of each metric; nothing is known where the file is absent.

    Returns
    -------
    dict
        By the metric's name within metrics/evaluate.json, such as ``mse.gap``.

    Raises
    ------
    DataError
        If the file is there and holds something else.
    """
    if not path.exists():
        return {}
    try:
        return _Document.model_validate(read_json(path, _WHAT)).metrics
    except pydantic.ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(map(str, problem["loc"])) or "the document"
        raise DataError(
            f"{path} does not hold {_WHAT}: {place}: {one_line(ValueError(problem['msg']))}; "
            "restore it from git, or measure the noise again"
        ) from None
