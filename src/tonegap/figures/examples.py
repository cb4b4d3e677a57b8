"""A few test images with their reconstructions under every mix, as plain arrays.

Where the images are photographs they show patients; who draws them keeps the pictures out
of git.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from tonegap.errors import DataError
from tonegap.groups import Groups

Pixels = UInt8[np.ndarray, "_images _size _size 3"]

_RECONSTRUCTION = "recon_"


@dataclass(frozen=True)
class StudyExamples:
    """Examples of one seed of a study, 8-bit RGB.

    Attributes
    ----------
    originals : mapping of group to pixels
        Test images, the same for every mix.
    reconstructions : mapping of mix to mapping of group to pixels
        Their reconstructions by the model trained on that mix.
    """

    originals: Mapping[str, Pixels]
    reconstructions: Mapping[str, Mapping[str, Pixels]]

    def __post_init__(self) -> None:
        for mix, by_group in self.reconstructions.items():
            for group, originals in self.originals.items():
                if by_group[group].shape != originals.shape:
                    raise DataError(
                        f"examples: the {group} reconstructions of mix {mix!r} have shape "
                        f"{by_group[group].shape}, their originals {originals.shape}; "
                        "collect the study again"
                    )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], groups: Groups) -> StudyExamples:
        """Read the named arrays of the two groups that are compared.

        Parameters
        ----------
        arrays
            ``originals_<group>`` and ``recon_<mix>_<group>``, uint8 [n, size, size, 3].
        groups
            Which two.

        Raises
        ------
        DataError
            If an array is missing or has another shape.
        """
        ending = f"_{groups.reference}"
        mixes = [
            name.removeprefix(_RECONSTRUCTION).removesuffix(ending)
            for name in arrays
            if name.startswith(_RECONSTRUCTION) and name.endswith(ending)
        ]
        try:
            return cls(
                originals={group: arrays[f"originals_{group}"] for group in groups.pair},
                reconstructions={
                    mix: {group: arrays[f"{_RECONSTRUCTION}{mix}_{group}"] for group in groups.pair}
                    for mix in mixes
                },
            )
        except KeyError as error:
            raise DataError(f"the study's examples lack {error}; collect the study again") from None
