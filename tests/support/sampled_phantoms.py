"""Small phantoms of two groups, and a network to compare them by.

Fixtures for the tests of samples; their folder's conftest imports them.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch

from tonegap.generation.assess import Real
from tonegap.generation.features import Space, space_of
from tonegap.model.perceptual import FeatureNetwork, feature_network, random_weights
from tonegap.phantom.recipes import annotation_table
from tonegap.phantom.render import render
from tonegap.phantom.spec import parse_url

SIZE = 32
PER_GROUP = 60
CPU = torch.device("cpu")


@dataclass(frozen=True)
class World:
    """Pictures of a group, three times as many as are tested: for training, test and sampling."""

    light: np.ndarray
    dark: np.ndarray

    def test(self) -> Real:
        """Give test images of both groups, and a training draw of other ones."""
        return self.real(self.light[:PER_GROUP], self.dark[:PER_GROUP])

    def real(self, light: np.ndarray, dark: np.ndarray) -> Real:
        names = [f"{n:032x}" for n in range(len(light) + len(dark))]
        group = ["light"] * len(light) + ["dark"] * len(dark)
        facts = pd.DataFrame({"group": group, "cluster": names})
        held = slice(PER_GROUP, 2 * PER_GROUP)
        train = np.concatenate([self.light[held], self.dark[held]])
        return Real(np.concatenate([light, dark]), train, facts)

    def held_out(self, n_light: int, n_dark: int) -> np.ndarray:
        """Give real images that are neither tested nor trained on, as samples."""
        start = 2 * PER_GROUP
        return np.concatenate([self.light[start : start + n_light],
                               self.dark[start : start + n_dark]])  # fmt: skip


@pytest.fixture(scope="session")
def world() -> World:
    n = 3 * PER_GROUP
    table = annotation_table("tone", n_light=n, n_dark=n, n_other=0, seed=5)
    table = table[table["url"].notna()]
    light = table["fitzpatrick_scale"].isin([1, 2]).to_numpy()
    pictures = np.stack([_drawn(url) for url in table["url"]])
    return World(pictures[light][:n], pictures[~light][:n])


def _drawn(url: str) -> np.ndarray:
    spec = parse_url(url).original
    return render(dataclasses.replace(spec, width=SIZE, height=SIZE))


@pytest.fixture
def network() -> FeatureNetwork:
    return random_weights(feature_network("squeezenet1_1", "after_relu", imagenet_norm=True), 0)


@pytest.fixture(scope="session")
def space(world) -> Space:
    net = random_weights(feature_network("squeezenet1_1", "after_relu", imagenet_norm=True), 0)
    return space_of(net, world.test().test, 32, CPU)[0]
