"""Train the models that odeviz ships, each by the command a user would type, and draw their cards for the gallery.

python resources/build.py [PRESET ...]      all presets by default; seed 0
python resources/build.py --cards [PRESET ...]      the cards alone
python resources/build.py --figures [PRESET ...]    the figures of models as they are, written anew into their files
python resources/build.py --opening                 what the window's first picture shows until the engine is there
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import json
import subprocess
import sys
import threading
from pathlib import Path

from odeviz.app.startup import OPENING_PRESET
from odeviz.storage import load_model
from odeviz.tasks.presets import PRESETS
from odeviz.tasks.registry import task_of

HERE = Path(__file__).parent
MODELS, CARDS = HERE / "models", HERE / "cards"
#: A task that compares its shipped models has a file of this name, which holds their figures by preset.
RECORD = "shipped.json"


def main() -> int:
    """Rebuild the named presets' models, one after the other; the exit code of the first that fails."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("presets", nargs="*", metavar="PRESET")
    parser.add_argument("--cards", action="store_true", help="draw the cards, train nothing")
    parser.add_argument("--figures", action="store_true", help="score the models anew, train nothing")
    parser.add_argument("--opening", action="store_true", help="solve the first picture, train nothing")
    given = parser.parse_args()
    if given.opening:
        opening()
        return 0
    unknown = [name for name in given.presets if name not in PRESETS]
    if unknown:
        print(f"there is no preset {unknown[0]!r}; the presets are {', '.join(PRESETS)}", file=sys.stderr)
        return 2
    for name in given.presets or PRESETS:
        if given.figures:
            score(name)
            record(name)
            continue
        if not given.cards:
            code = train(name)
            if code:
                return code
            record(name)
        draw(name)
        if name == OPENING_PRESET:
            opening()
    return 0


def train(name: str) -> int:
    """Train one preset; the command's exit code."""
    MODELS.mkdir(exist_ok=True)
    command = ["odeviz", "train", name, "--seed", "0", "--out", str(MODELS / f"{name}.odeviz"), "--json"]
    print("$", *command[:5], flush=True)
    return subprocess.call([sys.executable, "-m", *command])


def score(name: str) -> None:
    """Write all figures of a shipped model into its file, its weights as they are."""
    from odeviz.storage import save_model
    from odeviz.training import Session

    path = MODELS / f"{name}.odeviz"
    snapshot = load_model(path)
    figures = Session(snapshot.experiment, snapshot).evaluate()
    save_model(path, dataclasses.replace(snapshot, metrics={**snapshot.metrics, **figures}))
    print(name, *(f"{figure} {value:.4g}" for figure, value in figures.items()), flush=True)


def draw(name: str) -> None:
    """Draw a shipped model's cards, for a light and for a dark window."""
    from odeviz.analysis.results import SolverChoice
    from odeviz.analysis.study import Study
    from odeviz.exporting.cards import save_card

    snapshot = load_model(MODELS / f"{name}.odeviz")
    study, choice = Study(snapshot), SolverChoice("dopri5", rtol=1e-4, atol=1e-4)
    seeds = study.default_seeds(min(60, task_of(snapshot.experiment).crowd))
    flow = study.flow(*seeds, choice, with_error=False)
    assert flow is not None, "nothing cancels here"
    behind = task_of(snapshot.experiment).behind(snapshot.experiment)
    ask = {"density": (study.density, study.t1), "decision": (study.decision, 0.0)}.get(behind)
    background = None if ask is None else ask[0](ask[1], study.extent, 112, choice)
    data = study.data(400) if behind != "density" else None
    CARDS.mkdir(exist_ok=True)
    for dark in (False, True):
        path = CARDS / f"{name}{'-dark' * dark}.png"
        save_card(path, study.extent, flow, background, data, dark=dark)


def opening() -> None:
    """Solve what the window's first picture shows."""
    from odeviz.analysis.study import Study
    from odeviz.app.asking import FRAMES, TRAJECTORIES
    from odeviz.bridge.opening import keep
    from odeviz.bridge.requests import FlowRequest, SceneRequest
    from odeviz.state.workbench import viewing_choice

    snapshot = load_model(MODELS / f"{OPENING_PRESET}.odeviz")
    study, never = Study(snapshot), threading.Event()
    count = min(TRAJECTORIES, task_of(snapshot.experiment).crowd)
    asked = FlowRequest(viewing_choice(snapshot.experiment), count, FRAMES)
    flow, scene = asked.answer(study, never), SceneRequest().answer(study, never)
    assert scene is not None, "nothing cancels here"
    keep(snapshot, asked, flow, scene, HERE / "opening.npz")


def record(name: str) -> None:
    """Write a model's figures down where its task keeps such a record."""
    package = importlib.util.find_spec(task_of(PRESETS[name].experiment).package)
    assert package is not None
    assert package.origin is not None
    path = Path(package.origin).with_name(RECORD)
    if path.exists():
        figures = json.loads(path.read_text()) | {name: load_model(MODELS / f"{name}.odeviz").metrics}
        path.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    sys.exit(main())
