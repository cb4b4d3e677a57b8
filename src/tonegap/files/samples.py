"""Folders of generated images: which files count, and what they are together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tonegap.errors import DataError
from tonegap.files.foreign_folder import folder_offers
from tonegap.files.offers import Skip
from tonegap.files.row_names import IMAGE_SUFFIXES


@dataclass(frozen=True)
class Sample:
    """A generated image: its name within the folder, and the sha256 of its bytes."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Samples:
    """A folder of generated images.

    Attributes
    ----------
    images
        Files with the suffix of an image, by name.
    skipped
        Files that were passed over, and why.
    """

    images: Sequence[Sample]
    skipped: Sequence[Skip]

    @property
    def sha256(self) -> str:
        """Hash of all names and contents."""
        return listing_sha256(self.images)


def list_samples(folder: Path, max_bytes: int) -> Samples:
    """Read every file of a folder once.

    Raises
    ------
    DataError
        If there is no such folder, or it holds no image.
    """
    if not folder.is_dir():
        raise DataError(f"samples: there is no folder {folder}; name one that holds images")
    images, skipped = [], []
    for offer in folder_offers(folder, max_bytes):
        if isinstance(offer, Skip):
            skipped.append(offer)
            continue
        if PurePosixPath(offer.name).suffix.lower() not in IMAGE_SUFFIXES:
            skipped.append(Skip(offer.name, "its name does not end like an image's"))
            continue
        content = offer.read()
        if isinstance(content, Skip):
            skipped.append(content)
        else:
            images.append(Sample(offer.name, hashlib.sha256(content).hexdigest()))
    if not images:
        raise DataError(
            f"samples: {folder} holds no image ({len(skipped)} files were passed over); name the "
            "folder of the generated images"
        )
    return Samples(images, skipped)


def listing_sha256(images: Iterable[Sample]) -> str:
    """Hash names and contents of some images."""
    digest = hashlib.sha256()
    for image in images:
        digest.update(f"{image.sha256} {image.name}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
