"""The 1,797 handwritten digits and their one split into training and test images. numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

#: Pixels a side, their highest value, the classes, and how many of the images are trained on.
SIDE, BRIGHTEST, CLASSES, TRAINED = 8, 16, 10, 1347
PIXELS = SIDE * SIDE


@dataclass(frozen=True, slots=True)
class Images:
    """Pixels ``[n, 64]`` (float32, from 0 to 1, the top row first) and digits ``[n]``, read-only."""

    pixels: NDArray[np.float32]
    labels: NDArray[np.int64]


@lru_cache(maxsize=1)
def split() -> tuple[Images, Images]:
    """The training images (three quarters) and the test images: always the same, in one fixed random order."""
    with np.load(Path(__file__).with_name("digits.npz"), allow_pickle=False) as file:
        pixels = file["images"].reshape(-1, PIXELS).astype(np.float32) / BRIGHTEST
        labels = file["labels"].astype(np.int64)
    order = np.random.default_rng(0).permutation(len(labels))
    return _images(pixels, labels, order[:TRAINED]), _images(pixels, labels, order[TRAINED:])


def _images(pixels: NDArray[np.float32], labels: NDArray[np.int64], chosen: NDArray[np.int64]) -> Images:
    picked = Images(pixels[chosen], labels[chosen])
    picked.pixels.setflags(write=False)
    picked.labels.setflags(write=False)
    return picked
