"""What a study's numbers rest on, from typed facts, never from words in names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tonegap.collapse import collapse_warning

_PHANTOM = (
    "The images are phantoms: a program drew them, nobody photographed them. They show that the "
    "pipeline and its statistics work; they say nothing about patients."
)
_RANDOM = (
    "The perceptual network has random, untrained weights: the models differ from those of the "
    "paper, whose network was trained on ImageNet."
)


def is_phantom(settings: Mapping[str, Any]) -> bool:
    """Return True if every image is a phantom; anything else counts as photographs."""
    return settings.get("images") == "phantom"


def has_random_features(settings: Mapping[str, Any]) -> bool:
    """Return True if the perceptual network is untrained."""
    return settings.get("features_random") is True


def basis_of(settings: Mapping[str, Any]) -> list[str]:
    """Return what sets the numbers apart from the paper's, in two words each."""
    basis = ["phantom images"] if is_phantom(settings) else []
    return [*basis, "random features"] if has_random_features(settings) else basis


def caveats_of(facts: Mapping[str, Any]) -> list[str]:
    """Return what the numbers rest on, in sentences.

    Parameters
    ----------
    facts
        metrics/study.json.
    """
    settings = facts.get("settings", {})
    caveats = [_PHANTOM] if is_phantom(settings) else []
    caveats += [_RANDOM] if has_random_features(settings) else []
    collapsed = len(facts.get("collapsed", ()))
    caveats += [collapse_warning(collapsed, of=facts.get("runs_done", 0))] if collapsed else []
    planned, done = facts.get("runs_planned", 0), facts.get("runs_done", 0)
    if done < planned:
        caveats.append(f"The study is not complete: {done} of its {planned} runs are in it.")
    return caveats
