"""Does training reach what it must in the time it may take? Figure against gate for each preset, one thread.

    python tests/benchmarks/gates.py                        # every gate, seed 0: about six minutes
    python tests/benchmarks/gates.py moons-density --seeds 0 1 2

A density gate holds when H - 3 SE <= NLL <= H + margin and |mass - 1| <= .01, with H the data's entropy, the NLL
on 8,000 fresh points and its standard error SE. Exits with 1 when a gate is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass

from odeviz.tasks.presets import PRESETS, preset
from odeviz.training import Session


@dataclass(frozen=True)
class Gate:
    """Least accuracy, or greatest distance to the entropy in nats, after so many seconds."""

    seconds: float
    accuracy: float = 0.0
    margin: float = 0.0


GATES = {
    "moons-classifier": Gate(30, accuracy=0.98),
    "circles-classifier": Gate(30, accuracy=0.97),
    "spirals-classifier": Gate(60, accuracy=0.97),
    "annuli-classifier": Gate(30, accuracy=0.99),
    "moons-density": Gate(60, margin=0.05),
    "8gaussians-density": Gate(60, margin=0.05),
    "pinwheel-density": Gate(60, margin=0.10),
    "checkerboard-density": Gate(60, margin=0.40),
    "2spirals-density": Gate(60, margin=0.40),
    "rings-density": Gate(60, margin=0.40),
}


def train(name: str, seed: int, seconds: float) -> tuple[Session, dict[str, float]]:
    """Train a preset, in this time at most, and score it afterwards."""
    session = Session(preset(name).experiment.with_setting("seed", seed))
    started = time.perf_counter()
    iterations = session.experiment.training.iterations
    while session.step(max(session.iteration / iterations, (time.perf_counter() - started) / seconds)):
        pass
    return session, session.evaluate()


def judge(gate: Gate, figures: dict[str, float]) -> tuple[str, str, bool]:
    """Figure and gate as text, and whether it holds."""
    if "accuracy" in figures:
        accuracy = figures["accuracy"]
        return f"accuracy {accuracy:.4f}", f">= {gate.accuracy}", accuracy >= gate.accuracy
    nll, se, mass, entropy = (figures[key] for key in ("nll", "nll_se", "mass", "entropy"))
    holds = entropy - 3 * se <= nll <= entropy + gate.margin and abs(mass - 1) <= 0.01
    figure = f"nll {nll:.4f} ± {se:.4f} = H + {nll - entropy:.3f}, mass {mass:.4f}"
    return figure, f"H {entropy:.4f} + {gate.margin}", holds


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("presets", nargs="*", default=list(GATES), metavar="PRESET", help=", ".join(PRESETS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--seconds", type=float, help="for every preset, instead of its gate's own time")
    arguments = parser.parse_args()
    missed = 0
    print(f"{'preset':<22} seed {'it':>5} {'s':>5} {'it/s':>6} {'nfe':>7}  {'gate':<18} holds  figure")
    for name in arguments.presets:
        preset(name)
        for seed in arguments.seeds:
            session, figures = train(name, seed, arguments.seconds or GATES[name].seconds)
            figure, gate, holds = judge(GATES[name], figures)
            missed += not holds
            nfe = f"{session.metrics['nfe_forward']:.0f}/{session.metrics['nfe_backward']:.0f}"
            rate = session.iteration / session.seconds
            cost = f"{session.iteration:>5} {session.seconds:>5.1f} {rate:>6.1f} {nfe:>7}"
            verdict = f"{gate:<18} {'yes' if holds else 'NO':<5}  {figure} {session.message}"
            print(f"{name:<22} {seed:>4} {cost}  {verdict}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
