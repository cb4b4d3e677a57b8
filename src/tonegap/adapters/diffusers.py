"""Load an autoencoder of the library diffusers from a folder, the Hub, or the Hub's cache.

Only config.json and safetensors are read: no pickle, and no code that comes with a model.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from tonegap.adapters.autoencoders import DiffusersAutoencoder, DiffusersVae
from tonegap.adapters.identity import Identity, Loaded, file_sha256
from tonegap.adapters.reference import Reference
from tonegap.errors import ModelError, first_line
from tonegap.model.finished import completed

_CONFIG = "config.json"
_INDEX = "model_index.json"
_WEIGHTS = "diffusion_pytorch_model"
_FILES = (
    *(_CONFIG, f"{_WEIGHTS}.safetensors", f"{_WEIGHTS}.safetensors.index.json"),
    f"{_WEIGHTS}-*-of-*.safetensors",
)
_PARTS = ("vae", "vqvae", "movq")
"""Where pipelines keep their autoencoder, by preference."""

_PICKLES = (".bin", ".ckpt", ".pt", ".pth")
_WIDTHS = ("block_out_channels", "encoder_block_out_channels")
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_LICENCE = re.compile(r"^license:\s*(\S+)\s*$", re.MULTILINE)
_RGB = 3


def load(reference: Reference, image_size: int, device: torch.device) -> Loaded:
    """Load an autoencoder from a folder, or from the Hub or its cache.

    Parameters
    ----------
    reference
        A bare folder with config.json, or a pipeline's with model_index.json; of the Hub, a
        revision may be named.
    image_size
        Side of the images to assess, pixels; the adapter pads them.
    device
        Where the model shall run.

    Raises
    ------
    ModelError
        If diffusers is not installed, or the place holds no such autoencoder in safetensors.
    """
    library = _library()
    root, revision = _folder(reference)
    folder = root / (reference.subfolder or _part_of_pipeline(root, reference))
    config = _config(folder, reference)
    network = _network(library, folder, config, reference)
    identity = Identity(
        name=type(network).__name__,
        library=f"diffusers {library.__version__}",
        revision=revision,
        licence=_licence(root),
        weights={path.name: file_sha256(path) for path in _weights(folder, reference)},
    )
    model = _adapted(network.to(device), _factor(config, reference), image_size)
    return Loaded(completed(model), identity)


@torch.no_grad()
def _adapted(network: nn.Module, factor: int, image_size: int) -> DiffusersAutoencoder:
    """Adapt a network by what its ``encode`` gives for one grey image."""
    plain = DiffusersAutoencoder(network, factor)
    device = next(network.parameters()).device
    found = plain.encoded(torch.zeros(1, 3, image_size, image_size, device=device))
    return DiffusersVae(network, factor) if "latent_dist" in found else plain


def _library() -> ModuleType:
    try:
        import diffusers  # noqa: PLC0415  an optional library
    except ImportError as error:
        raise ModelError(
            f"diffusers is not installed ({error}); install it: pip install 'tonegap[diffusers]'"
        ) from None
    return diffusers


def _folder(reference: Reference) -> tuple[Path, str]:
    """Return the folder on this machine, and the Hub's commit if it comes from there."""
    path = reference.path
    if path.is_dir():
        return path, ""
    if path.exists():
        raise ModelError(f"{reference} is a file; name the folder that holds {_CONFIG}")
    if not _HUB_ID.fullmatch(reference.target) or reference.target.startswith("."):
        raise ModelError(
            f"{reference}: there is no folder {reference.target} (seen from {Path.cwd()}), and an "
            "id of the Hub has the form owner/name"
        )
    folder = _snapshot(reference)
    return folder, folder.name


def _snapshot(reference: Reference) -> Path:
    """Bring the files that are needed from the Hub into its cache; offline, find them there."""
    from huggingface_hub import constants, snapshot_download  # noqa: PLC0415  optional
    from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415

    places = [reference.subfolder] if reference.subfolder else ["", *_PARTS]
    wanted = [f"{place}/{name}".lstrip("/") for place in places for name in _FILES]
    offline = constants.HF_HUB_OFFLINE
    try:
        folder = snapshot_download(
            reference.target,
            revision=reference.revision or None,
            allow_patterns=[*wanted, _INDEX, "README.md"],
            local_files_only=offline,
        )
    except (OSError, ValueError, HfHubHTTPError) as error:
        why = (
            "HF_HUB_OFFLINE is set, and the local cache of the Hub lacks it: unset it, or fetch "
            "the model where there is a network"
            if offline
            else f"{first_line(error)}: check the id and the network, or name a local folder"
        )
        raise ModelError(f"{reference} is not a folder, and not available: {why}") from None
    return Path(folder)


def _part_of_pipeline(root: Path, reference: Reference) -> str:
    """Return the subfolder of a pipeline's autoencoder; empty for a bare folder."""
    if not (root / _INDEX).is_file():
        return ""
    parts = _json(root / _INDEX, reference)
    for name in _PARTS:
        if name in parts:
            return name
    named = ", ".join(name for name in parts if not name.startswith("_"))
    raise ModelError(
        f"{reference} is a pipeline without an autoencoder (its parts: {named}); name the part "
        f"that is one: {reference}:SUBFOLDER"
    )


def _config(folder: Path, reference: Reference) -> dict[str, Any]:
    if not (folder / _CONFIG).is_file():
        held = (
            ", ".join(sorted(path.name for path in folder.iterdir())[:5]) if folder.is_dir() else ""
        )
        raise ModelError(
            f"{reference}: {folder} holds no {_CONFIG}"
            + (f" but {held}" if held else "")
            + "; name the folder that save_pretrained wrote, or a pipeline's with "
            + _INDEX
        )
    config = _json(folder / _CONFIG, reference)
    channels = config.get("in_channels", _RGB)
    if channels != _RGB:
        raise ModelError(f"{reference} takes {channels} channels; tonegap assesses RGB images")
    return config


def _json(path: Path, reference: Reference) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{reference}: {path} is not JSON ({error})") from None
    if not isinstance(content, dict):
        raise ModelError(f"{reference}: {path} holds {type(content).__name__}, expected an object")
    return content


def _weights(folder: Path, reference: Reference) -> list[Path]:
    """Return the weights' files; refuse a folder that has none but pickles."""
    found = sorted(
        path for pattern in _FILES[1:] for path in folder.glob(pattern) if path.suffix != ".json"
    )
    if found:
        return found
    pickles = sorted(p.name for p in folder.iterdir() if p.suffix in _PICKLES)
    also = (
        f", only the pickle {pickles[0]}, which can run any code when it is read" if pickles else ""
    )
    raise ModelError(
        f"{reference}: {folder} holds no {_WEIGHTS}.safetensors{also}; save the model again with "
        "save_pretrained(..., safe_serialization=True)"
    )


def _network(
    library: ModuleType, folder: Path, config: Mapping[str, Any], reference: Reference
) -> nn.Module:
    kind = str(config.get("_class_name", ""))
    known = getattr(library, kind, None) if kind else None
    if known is None:
        raise ModelError(
            f"{reference}: its {_CONFIG} names the class {kind or 'nowhere'}, which diffusers "
            f"{library.__version__} does not have"
        )
    if not (hasattr(known, "encode") and hasattr(known, "decode")):
        raise ModelError(
            f"{reference} is {kind}, which has no encode and decode and so reconstructs nothing; "
            "to audit images that it generated, use samples:FOLDER"
        )
    _weights(folder, reference)
    try:
        with _quiet():
            network, report = known.from_pretrained(
                folder,
                local_files_only=True,
                use_safetensors=True,
                torch_dtype=torch.float32,  # also what `force_upcast` asks for
                low_cpu_mem_usage=False,
                output_loading_info=True,
            )
    except (OSError, ValueError, RuntimeError, TypeError, KeyError) as error:
        raise ModelError(f"{reference} cannot be loaded ({first_line(error)})") from error
    if report["missing_keys"]:
        raise ModelError(
            f"{reference}: the weights lack {len(report['missing_keys'])} tensors of {kind}, such "
            f"as {min(report['missing_keys'])}, which would be random; they are of another "
            "model or incomplete"
        )
    return network.eval().requires_grad_(requires_grad=False)  # type: ignore[no-any-return]


def _factor(config: Mapping[str, Any], reference: Reference) -> int:
    """Return by what the model divides sides: 2 to the number of its down-samplings."""
    widths = next((config[name] for name in _WIDTHS if config.get(name)), None)
    if widths is None:
        raise ModelError(
            f"{reference}: its {_CONFIG} has none of {', '.join(_WIDTHS)}, so tonegap cannot tell "
            "which sizes it takes; wrap it in a factory (python:package.module:factory)"
        )
    return int(2 ** (len(widths) - 1))


def _licence(root: Path) -> str:
    """Return the licence that the front matter of the model card names, or nothing."""
    card = root / "README.md"
    if not card.is_file():
        return ""
    text = card.read_text(encoding="utf-8", errors="replace")
    head = text.split("---", 2)[1] if text.startswith("---") else ""
    found = _LICENCE.search(head)
    return found[1] if found else ""


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence advice of diffusers that does not concern a user of tonegap."""
    logger = logging.getLogger("diffusers")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
