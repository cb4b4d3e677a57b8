"""A few test images with their reconstructions, of one run or of a study, as named arrays.

Where the images are photographs they show patients: who writes or draws them keeps the result
out of git.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from tonegap.errors import DataError
from tonegap.groups import Groups

Pixels = UInt8[np.ndarray, "_images _size _size 3"]

_ORIGINALS = "originals_"
_RECONSTRUCTIONS = "reconstructions_"
_RENDERED = "rendered"
_OF_MIX = "recon_"


@dataclass(frozen=True)
class Examples:
    """Examples of one run, 8-bit RGB.

    Attributes
    ----------
    originals, reconstructions
        Pixels by group, uint8 [n, size, size, 3].
    rendered
        True if tonegap rendered every original itself: then nobody is shown.
    """

    originals: Mapping[str, Pixels]
    reconstructions: Mapping[str, Pixels]
    rendered: bool

    def shows_same_as(self, other: Examples) -> bool:
        """Return True if both hold the same originals."""
        return self.originals.keys() == other.originals.keys() and all(
            np.array_equal(pixels, other.originals[group])
            for group, pixels in self.originals.items()
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """Give them as named arrays, as a run's file holds them."""
        return {
            **_named(_ORIGINALS, self.originals),
            **_named(_RECONSTRUCTIONS, self.reconstructions),
            _RENDERED: np.array(self.rendered),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Examples:
        """Read what :meth:`arrays` gave.

        Raises
        ------
        KeyError
            If it does not say whether the images were rendered.
        """
        return cls(
            _unnamed(_ORIGINALS, arrays),
            _unnamed(_RECONSTRUCTIONS, arrays),
            bool(arrays[_RENDERED]),
        )


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
    def of_runs(cls, by_mix: Mapping[str, Examples]) -> StudyExamples:
        """Put side by side what one run of each mix made of the same originals."""
        first = next(iter(by_mix.values()))
        return cls(first.originals, {mix: run.reconstructions for mix, run in by_mix.items()})

    def arrays(self) -> dict[str, np.ndarray]:
        """Give ``originals_<group>`` and ``recon_<mix>_<group>``, as a study's file holds them."""
        arrays = _named(_ORIGINALS, self.originals)
        for mix, by_group in self.reconstructions.items():
            arrays |= _named(f"{_OF_MIX}{mix}_", by_group)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], groups: Groups) -> StudyExamples:
        """Read what :meth:`arrays` gave, of the two groups that are compared.

        Raises
        ------
        DataError
            If an array is missing or has another shape.
        """
        ending = f"_{groups.reference}"
        mixes = [
            name.removeprefix(_OF_MIX).removesuffix(ending)
            for name in arrays
            if name.startswith(_OF_MIX) and name.endswith(ending)
        ]
        try:
            return cls(
                {group: arrays[f"{_ORIGINALS}{group}"] for group in groups.pair},
                {
                    mix: {group: arrays[f"{_OF_MIX}{mix}_{group}"] for group in groups.pair}
                    for mix in mixes
                },
            )
        except KeyError as error:
            raise DataError(f"the study's examples lack {error}; collect the study again") from None


def _named(prefix: str, by_group: Mapping[str, Pixels]) -> dict[str, np.ndarray]:
    return {f"{prefix}{group}": pixels for group, pixels in by_group.items()}


def _unnamed(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): arrays[name] for name in arrays if name.startswith(prefix)}
