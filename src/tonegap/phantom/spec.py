"""Every knob of one phantom, and the url that carries them."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any, Final, get_type_hints
from urllib.parse import parse_qsl

from tonegap.errors import DataError
from tonegap.nearest import nearest
from tonegap.phantom.lesions import FAMILIES

PREFIX: Final = "phantom:v1?"
"""Start of every phantom's url. Raise the version if the picture of a url changes."""

MAX_URL_CHARACTERS: Final = 2000
_SOURCE_NAME: Final = re.compile(r"[a-z][a-z0-9]{0,15}")
_COPY_KEY: Final = "copy_"
_SEEDS: Final = (0, 2**32 - 1)
_PATTERNS: Final[dict[type, str]] = {
    bool: r"[01]",
    int: r"[0-9]{1,10}",
    float: r"[0-9]{1,4}(\.[0-9]{1,20})?(e-[0-9]{1,3})?",
}
# Inclusive range of each number.
_RANGES: Final[dict[str, tuple[float, float]]] = {
    "melanin": (0.0, 0.5),
    "blood": (0.0, 0.1),
    "lesion_seed": _SEEDS,
    "size": (0.02, 1.0),
    "severity": (0.0, 1.0),
    "irregularity": (0.0, 1.0),
    "skin_seed": _SEEDS,
    "roughness": (0.0, 0.5),
    "slope": (0.0, 4.0),
    "quality": (1, 100),
    "crop": (0.0, 0.5),
    "lighting": (0.2, 2.0),
    "shading": (0.0, 1.0),
    "background": (0.0, 0.6),
    "width": (16, 1024),
    "height": (16, 1024),
    "resize": (0.25, 4.0),
}


@dataclass(frozen=True, kw_only=True)
class Copy:
    """How a copy differs from its picture; the defaults change only the encoding.

    Attributes
    ----------
    resize : float
        Factor for both sides, 0.25 to 4.
    quality : int
        JPEG quality of the copy, 1 to 100.
    crop : float
        Share of each side cut away, half of it at either end, 0 to 0.5.
    flip, watermark : bool
        Mirrored left to right; a caption printed over it.
    """

    resize: float = 1.0
    quality: int = 90
    crop: float = 0.0
    flip: bool = False
    watermark: bool = False

    def __post_init__(self) -> None:
        _check_numbers(self)


@dataclass(frozen=True, kw_only=True)
class PhantomSpec:
    """One phantom, knob by knob; each can change independently.

    Attributes
    ----------
    melanin : float
        Volume fraction of melanosomes in the epidermis, 0 to 0.5.
    blood : float
        Volume fraction of blood in the dermis, 0 to 0.1.
    family : str
        Lesion family, one of :data:`tonegap.phantom.lesions.FAMILIES`.
    lesion_seed : int
        Shape of the lesion; nothing else depends on it.
    size : float
        Extent of the lesion as a share of the shorter side, 0.02 to 1.
    severity : float
        Strength of its colour change, 0 (invisible) to 1.
    irregularity : float
        Raggedness of its border, 0 (round) to 1.
    skin_seed : int
        Texture of the skin, direction of the light, place and colour of the background.
    roughness : float
        Deviation of melanin and blood from place to place, relative, 0 to 0.5.
    slope : float
        The texture's power falls with spatial frequency f as f^-slope, 0 (white) to 4.
    source : str
        Name of the publisher; does not affect the picture by itself.
    quality : int
        JPEG quality, 1 to 100.
    crop : float
        Share of each side that the publisher cut away before scaling up again, 0 to 0.5.
    watermark : bool
        True if the publisher printed a caption over the picture.
    lighting : float
        Exposure, 0.2 to 2; 1 shows evenly lit skin as the optical model gives it.
    shading : float
        Share of the light lost from the bright to the dark end, 0 to 1.
    background : float
        Share of the picture, from its upper edge, that shows cloth, 0 to 0.6.
    upside_down : bool
        True if the whole picture, including its caption, is mirrored top to bottom.
    width, height : int
        Pixels, 16 to 1024.
    copy : Copy or None
        Set for a copy of the picture that the other knobs describe.

    Raises
    ------
    DataError
        If a knob is out of its range.
    """

    melanin: float
    blood: float
    family: str
    lesion_seed: int
    size: float
    severity: float
    irregularity: float
    skin_seed: int
    roughness: float
    slope: float
    source: str
    quality: int
    crop: float
    watermark: bool
    lighting: float
    shading: float
    background: float
    upside_down: bool
    width: int
    height: int
    copy: Copy | None = None

    def __post_init__(self) -> None:
        _check_numbers(self)
        if self.family not in FAMILIES:
            raise DataError(
                f"phantom: family is {self.family!r}, which is not a known family; "
                + nearest(self.family, FAMILIES)
            )
        if not _SOURCE_NAME.fullmatch(self.source):
            raise DataError(
                f"phantom: source is {self.source[:40]!r}, but a publisher's name has up to 16 "
                "lower-case letters and digits; use one such as 'a'"
            )

    @property
    def original(self) -> PhantomSpec:
        """The phantom that this one copies; itself if it is not a copy."""
        return dataclasses.replace(self, copy=None)


def _check_numbers(knobs: Copy | PhantomSpec) -> None:
    for field in dataclasses.fields(knobs):
        if field.name in _RANGES:
            low, high = _RANGES[field.name]
            value = getattr(knobs, field.name)
            if not low <= value <= high:  # also refuses NaN
                raise DataError(
                    f"phantom: {field.name} is {value!r}, outside {low} to {high}, so nothing "
                    "can be drawn; correct the url"
                )


def format_url(spec: PhantomSpec) -> str:
    """Write every knob of a phantom into a url.

    Returns
    -------
    str
        ``phantom:v1?melanin=0.03&...``, keys in the order of the fields; ``copy_...`` keys
        for a copy only. :func:`parse_url` returns the same specification.
    """
    pairs = _texts(spec)
    if spec.copy is not None:
        pairs |= {_COPY_KEY + key: text for key, text in _texts(spec.copy).items()}
    return PREFIX + "&".join(f"{key}={text}" for key, text in pairs.items())


def _texts(knobs: Copy | PhantomSpec) -> dict[str, str]:
    values = {field.name: getattr(knobs, field.name) for field in dataclasses.fields(knobs)}
    return {
        name: str(int(value)) if isinstance(value, bool) else str(value)
        for name, value in values.items()
        if name != "copy"
    }


def parse_url(url: str) -> PhantomSpec:
    """Read a phantom's url.

    Raises
    ------
    DataError
        If it is not a ``phantom:v1?`` url, or a knob is missing, unknown, duplicate, of the
        wrong type or out of range.
    """
    if not url.startswith(PREFIX) or len(url) > MAX_URL_CHARACTERS:
        raise DataError(
            f"phantom: url {url[:40]!r} of {len(url)} characters cannot be drawn; it must begin "
            f"with {PREFIX!r} and have at most {MAX_URL_CHARACTERS} characters"
        )
    texts = _pairs(url)
    copied = {k.removeprefix(_COPY_KEY): texts.pop(k) for k in list(texts) if k[:5] == _COPY_KEY}
    knobs = _values(PhantomSpec, texts)
    if copied:
        knobs["copy"] = Copy(**_values(Copy, copied))
    return PhantomSpec(**knobs)


def _pairs(url: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            url.removeprefix(PREFIX), strict_parsing=True, keep_blank_values=True, errors="strict"
        )
    except ValueError:
        raise DataError(
            f"phantom: url {url[:60]!r} has a part that is not key=value, so its picture cannot "
            "be drawn; write it again with format_url"
        ) from None
    texts = dict(pairs)
    if len(texts) < len(pairs):
        raise DataError(
            f"phantom: url {url[:60]!r} sets a knob twice, so its picture is not defined; "
            "keep one of them"
        )
    return texts


def _values(kind: type[Copy | PhantomSpec], texts: dict[str, str]) -> dict[str, Any]:
    """Return typed values of all the fields of ``kind``, except ``copy``."""
    types = get_type_hints(kind)
    types.pop("copy", None)
    for key in texts:
        if key not in types:
            raise DataError(f"phantom: unknown knob {key[:40]!r} in a url; {nearest(key, types)}")
    missing = [name for name in types if name not in texts]
    if missing:
        raise DataError(
            f"phantom: the url lacks {missing[0]!r}, so its picture is not defined; add it"
        )
    return {name: _value(name, texts[name], types[name]) for name in types}


def _value(name: str, text: str, kind: type) -> object:
    if kind is str:
        return text
    if not re.fullmatch(_PATTERNS[kind], text):
        raise DataError(
            f"phantom: {name} is {text[:40]!r}, which is not of type {kind.__name__}, so nothing "
            "can be drawn; correct the url"
        )
    if kind is bool:
        return text == "1"
    return int(text) if kind is int else float(text)
