"""What each task wants to see of its model: the views of shipped models, computed and drawn as the window does."""

from functools import cache

from odeviz.analysis.study import Study
from odeviz.panels.view_panel import ViewPanel
from odeviz.state.workbench import viewing_choice
from odeviz.storage import load_model
from odeviz.storage.paths import pretrained
from odeviz.tasks.registry import task_of

#: The presets that are looked at: one of every task, and those after it of the same for views that it has not.
PRESETS = (
    "moons-density", "u1-planar-cnf", "8gaussians-moons-cfm", "spirals-classifier", "digits-odenet", "flip-anode",
    "latent-spirals", "sine-poisson", "lotka-volterra-universal", "lotka-volterra-known", "bouncing-ball",
)  # fmt: skip
#: As large as the panel beside the flow in a window of 1440 x 900.
SIZE = (372, 436)
#: Where the playhead stands, as a share of the flow's time: on no picture of a film and no tick.
SHARE = 0.45


def stages(preset, kit):
    """A panel, and what brings each view of the preset's model into it, by the scene's name."""
    study = _study(preset)
    panel = kit.show(ViewPanel, size=SIZE)
    views = task_of(study.experiment).views_of(study.experiment)
    panel.set_views(views, (), study.experiment)

    def bring(key):
        panel.choose(key)
        panel.set_picture(_picture(preset, key))
        panel.set_time(SHARE * study.t1)

    return panel, {f"{preset}-{key}": lambda key=key: bring(key) for key in _keys(preset)}


@cache
def _study(preset):
    return Study(load_model(pretrained(preset)))


@cache
def _picture(preset, key):
    study = _study(preset)
    return study.view(key, viewing_choice(study.experiment))


def _keys(preset):
    """Views that no preset before has had of the same task."""
    seen = {}
    for name in PRESETS[: PRESETS.index(preset) + 1]:
        experiment = _study(name).experiment
        known = seen.setdefault(experiment.task, [])
        new = [view.key for view in task_of(experiment).views_of(experiment) if view.key not in known]
        known += new
    return new
