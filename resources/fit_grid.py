"""Train the small models behind the view "Continuous against planar flow": 24 fits, each the median of three seeds.

python resources/fit_grid.py [POTENTIAL ...]      all four by default; the others' models are kept
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from odeviz.tasks.variational.grid import FILE, KINDS, UNITS, prefix
from odeviz.tasks.variational.potentials import POTENTIALS
from odeviz.tasks.variational.presets import experiment_of
from odeviz.training import Session

SEEDS = (0, 1, 2)


def main(names: list[str]) -> int:
    """Fit the models for some potentials and write the file anew."""
    arrays: dict[str, NDArray[np.generic]] = {}
    if FILE.exists():
        with np.load(FILE, allow_pickle=False) as file:
            arrays = dict(file)
    for potential in names or POTENTIALS:
        for kind in KINDS:
            for units in UNITS:
                fits = sorted(
                    (fit(potential, kind, units, seed) for seed in SEEDS), key=lambda each: each["kl"]
                )
                start = prefix(potential, kind, units)
                print(
                    f"{start:<18} KL {' '.join(format(float(each['kl']), '.4f') for each in fits)}",
                    flush=True,
                )
                arrays = {name: array for name, array in arrays.items() if not name.startswith(start)}
                arrays |= {start + name: array for name, array in fits[len(SEEDS) // 2].items()}
                np.savez_compressed(FILE, **dict(sorted(arrays.items())))
    return 0


def fit(potential: str, kind: str, units: int, seed: int) -> dict[str, NDArray[np.generic]]:
    """A trained model's weights with its KL and the standard error. Raises ``RuntimeError`` if the run stopped."""
    session = Session(experiment_of(potential, kind, units).with_setting("seed", seed))
    while session.step():
        pass
    if session.message:
        raise RuntimeError(session.message)
    figures = session.evaluate()
    return {**session.snapshot().weights, **{name: np.array(figures[name]) for name in ("kl", "kl_se")}}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
