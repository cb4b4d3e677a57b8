"""A few test images with their reconstructions under every mix, as plain arrays.

Where the images are photographs they show patients; who draws them keeps the pictures out
of git. ``rendered`` says which it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import UInt8

from tonegap.cohort.groups import GROUPS
from tonegap.errors import DataError

Pixels = UInt8[np.ndarray, "images size size 3"]

_ORIGINALS = "originals_{group}"
_RECONSTRUCTIONS = "reconstructions_{mix}_{group}"


@dataclass(frozen=True)
class StudyExamples:
    """Examples of one seed of a study, 8-bit RGB.

    Attributes
    ----------
    originals : mapping of group to pixels
        Test images, the same for every mix.
    reconstructions : mapping of mix to mapping of group to pixels
        Their reconstructions by the model trained on that mix.
    runs : mapping of mix to str
        The experiment that each mix's reconstructions come from.
    rendered : bool
        True where tonegap rendered every original itself: then nobody is shown.
    """

    originals: Mapping[str, Pixels]
    reconstructions: Mapping[str, Mapping[str, Pixels]]
    runs: Mapping[str, str]
    rendered: bool

    def __post_init__(self) -> None:
        for mix, by_group in self.reconstructions.items():
            for group in GROUPS:
                if by_group[group].shape != self.originals[group].shape:
                    raise DataError(
                        f"examples: the {group} reconstructions of mix {mix!r} have shape "
                        f"{by_group[group].shape}, their originals {self.originals[group].shape}; "
                        "collect the study again"
                    )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Flatten to named arrays, as ``numpy.savez_compressed`` takes them (no pickle).

        Keys: ``originals_<group>`` and ``reconstructions_<mix>_<group>`` (uint8
        [n, size, size, 3]), ``mixes`` and ``runs`` (text, in the same order), ``rendered``
        (bool without dimensions).
        """
        arrays: dict[str, Any] = {
            _ORIGINALS.format(group=group): self.originals[group] for group in GROUPS
        }
        for mix, by_group in self.reconstructions.items():
            for group in GROUPS:
                arrays[_RECONSTRUCTIONS.format(mix=mix, group=group)] = by_group[group]
        mixes = list(self.reconstructions)
        arrays["mixes"] = np.array(mixes, dtype=np.str_)
        arrays["runs"] = np.array([self.runs[mix] for mix in mixes], dtype=np.str_)
        arrays["rendered"] = np.array(self.rendered)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> StudyExamples:
        """Read what :meth:`to_arrays` gave.

        Raises
        ------
        DataError
            If an array is missing or has another shape.
        """
        try:
            mixes = [str(mix) for mix in arrays["mixes"]]
            return cls(
                originals={group: arrays[_ORIGINALS.format(group=group)] for group in GROUPS},
                reconstructions={
                    mix: {
                        group: arrays[_RECONSTRUCTIONS.format(mix=mix, group=group)]
                        for group in GROUPS
                    }
                    for mix in mixes
                },
                runs=dict(zip(mixes, map(str, arrays["runs"]), strict=True)),
                rendered=bool(arrays["rendered"]),
            )
        except (KeyError, ValueError) as error:
            raise DataError(
                f"the study's examples are incomplete ({error}); collect the study again"
            ) from None
