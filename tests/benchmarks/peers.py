"""odeviz against torchdiffeq, torchode and diffrax in one run: same field, weights, method, tolerance, one thread.

    python tests/benchmarks/peers.py [--quick] [--scale 3] [--out DIR]     # the comparison and the goals
    python tests/benchmarks/peers.py --profile [--batch 512]               # where a step's time goes
    python tests/benchmarks/peers.py --scaling                             # time against the size of the work
    python tests/benchmarks/peers.py --work-precision                      # time to reach an error

The field is an MLP 2-64-64-2 (tanh, float32), solved by dopri5 from t = 0 to 1: forward at 1e-6, the gradient of a
solve at 1e-5, the gradient of a continuous normalizing flow's log-likelihood, with the exact divergence, at 1e-5,
and a forward solve with a step size per sample at 1e-6. The others get the network as their users write it.
Contenders take turns A B C A B C; warm times are medians, and each ratio is the median of what every round says.
The first call, with diffrax's compilation, stands apart. Beside each time stand its error against float64 at 1e-10
and the evaluations. Needs the extra ``bench``; a peer that is missing is named. Exits with 1 when a figure that
must hold does not.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from comparison.comparing import compare_all, comparison_table, goals_table, judge, measure_overhead
from comparison.profiling import profile
from comparison.scaling import scaling
from comparison.work_precision import work_precision

#: A report's text, what goes into its JSON file, and whether what must hold does.
Report = tuple[str, dict[str, Any], bool]


def compare_peers(arguments: argparse.Namespace) -> Report:
    began = time.perf_counter()
    rows, absent = compare_all(arguments.quick, arguments.scale)
    overhead = measure_overhead(arguments.scale, 2.0 if arguments.quick else 5.0)
    verdicts = judge(rows, overhead)
    missing = "".join(f"\n{each.name} is absent: {each.reason}" for each in absent)
    busy = sorted((row.busy, row.solver) for row in rows)
    processor = (
        f"Processor time in wall time was {busy[0][0]:.2f} to {busy[-1][0]:.2f} ({busy[-1][1]}): above one, "
        f"threads beside the first took part; below one, other programs had the processor."
    )
    text = f"{comparison_table(rows)}\n{missing}\n\n{goals_table(verdicts)}\n\n{processor}\n"
    text += f"The run took {time.perf_counter() - began:.0f} s."
    contents = {
        "rows": [asdict(row) for row in rows],
        "absent": [asdict(each) for each in absent],
        "overhead": asdict(overhead),
        "goals": [asdict(verdict) for verdict in verdicts],
    }
    return text, contents, all(verdict.holds for verdict in verdicts)


def profile_steps(arguments: argparse.Namespace) -> Report:
    text, contents = profile(arguments.batch, arguments.scale, arguments.quick)
    return text, contents, True


def scale_work(arguments: argparse.Namespace) -> Report:
    text, contents = scaling(arguments.scale, arguments.quick)
    return text, contents, True


def reach_errors(arguments: argparse.Namespace) -> Report:
    text, contents = work_precision(arguments.batch, arguments.scale, arguments.quick)
    return text, contents, True


REPORTS: dict[str, Callable[[argparse.Namespace], Report]] = {
    "profile": profile_steps,
    "scaling": scale_work,
    "work_precision": reach_errors,
}


def about(scale: float) -> str:
    """Versions, machine, field and load, in one line."""
    versions = []
    for name in ("torch", "torchdiffeq", "torchode", "diffrax", "jax"):
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"no {name}")
    load = f", load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores" if hasattr(os, "getloadavg") else ""
    return (
        f"{', '.join(versions)}, Python {platform.python_version()}, {platform.machine()}, one thread, "
        f"first weights times {scale:g}{load}"
    )


def write(folder: Path, name: str, text: str, contents: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.md").write_text(text, encoding="utf-8")
    (folder / f"{name}.json").write_text(json.dumps(contents, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer sizes and repeats, within 90 seconds")
    parser.add_argument("--scale", type=float, default=3.0, help="factor on the field's first weights (3)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write each report there, as .md and .json")
    parser.add_argument(
        "--batch", type=int, default=512, help="of the profile and of the work-precision table"
    )
    parser.add_argument("--profile", action="store_true", help="where a step's time goes")
    parser.add_argument("--scaling", action="store_true", help="time against the size of the work")
    parser.add_argument("--work-precision", action="store_true", help="time to reach an error")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    chosen = {name: make for name, make in REPORTS.items() if getattr(arguments, name)}
    holds = True
    for name, make in (chosen or {"peers": compare_peers}).items():
        headline = about(arguments.scale)
        text, contents, held = make(arguments)
        report = f"{headline}\n\n{text}\n"
        print(report)
        holds &= held
        if arguments.out is not None:
            write(arguments.out, name, report, {"about": headline, "holds": held, **contents})
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
