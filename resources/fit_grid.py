"""Train the small models behind the view "Continuous against planar flow": 24 fits, seed 0.

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


def main(names: list[str]) -> int:
    """Fit the models for some potentials and write the file anew; 1 if a run stopped before its end."""
    arrays: dict[str, NDArray[np.generic]] = {}
    if FILE.exists():
        with np.load(FILE, allow_pickle=False) as file:
            arrays = dict(file)
    for potential in names or POTENTIALS:
        for kind in KINDS:
            for units in UNITS:
                session = Session(experiment_of(potential, kind, units))
                while session.step():
                    pass
                if session.message:
                    print(session.message, file=sys.stderr)
                    return 1
                figures, start = session.evaluate(), prefix(potential, kind, units)
                print(f"{start:<22} KL {figures['kl']:.4f} ± {figures['kl_se']:.4f}", flush=True)
                arrays = {name: array for name, array in arrays.items() if not name.startswith(start)}
                arrays |= {start + name: array for name, array in session.snapshot().weights.items()}
                arrays |= {start + name: np.float64(figures[name]) for name in ("kl", "kl_se")}
                np.savez_compressed(FILE, **dict(sorted(arrays.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
