"""References: how a user names a finished model, or a folder of generated images.

==========================================  ===============================================
``diffusers:PLACE[@REVISION][:SUBFOLDER]``  a folder, or a model of the Hugging Face Hub
``python:package.module:factory``           a function that returns the model
``torchscript:FILE``                        a TorchScript file, or a .pt2 of torch.export
``samples:FOLDER``                          generated images alone
==========================================  ===============================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from tonegap.errors import ModelError
from tonegap.nearest import nearest

Kind = Literal["diffusers", "python", "torchscript", "samples"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_PLACE = re.compile(r"(?P<place>.+?)(?:@(?P<revision>[^@:]+))?(?::(?P<subfolder>[^:]+))?")


@dataclass(frozen=True)
class Reference:
    """A finished model by name.

    Attributes
    ----------
    kind
        Which adapter loads it.
    target
        A path, an id of the Hub, or ``package.module:factory``.
    revision, subfolder
        Of ``diffusers`` models; empty if not given.
    """

    kind: Kind
    target: str
    revision: str = ""
    subfolder: str = ""

    def __str__(self) -> str:
        """Write the reference as it is parsed."""
        revision = f"@{self.revision}" if self.revision else ""
        subfolder = f":{self.subfolder}" if self.subfolder else ""
        return f"{self.kind}:{self.target}{revision}{subfolder}"

    @property
    def path(self) -> Path:
        """The target as a path; ``~`` is the user's home."""
        return Path(self.target).expanduser()


def parse_reference(text: str) -> Reference:
    """Read a reference.

    Raises
    ------
    ModelError
        If it has no known kind, or nothing after it.
    """
    kind, colon, target = text.partition(":")
    if kind not in KINDS or not colon:
        raise ModelError(
            f"{text!r} names no model: write one of diffusers:FOLDER_OR_ID, "
            "python:package.module:factory, torchscript:FILE or samples:FOLDER; "
            + nearest(kind, KINDS)
        )
    if not target:
        raise ModelError(f"{text!r} ends after the colon; name the model (docs/audit.md)")
    if kind == "diffusers" and not Path(target).expanduser().exists():
        found = _PLACE.fullmatch(target)
        if found:
            parts = {name: part or "" for name, part in found.groupdict().items()}
            return Reference("diffusers", parts["place"], parts["revision"], parts["subfolder"])
    return Reference(kind, target)
