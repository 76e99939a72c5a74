"""Small latent models, and series of somebody's own."""

import numpy as np

from odeviz.tasks import Experiment

SMALL = Experiment.of("latent", {"data.samples": 40, "training.batch": 16, "field.width": 8})


RNN = SMALL.with_setting("options.model", "rnn")


OWN = SMALL.with_settings({"data.name": "own", "options.window": 10})


def waves(series=2, rows=60, seed=0):
    """Series of two channels at irregular times, one value in ten missing."""
    rng = np.random.default_rng(seed)
    t = np.cumsum(rng.uniform(0.5, 1.5, (series, rows)), axis=1)
    y = np.stack([100 + 5 * np.sin(t), 0.01 * np.cos(t)], axis=2)
    y[rng.random(y.shape) < 0.1] = np.nan
    return {"t": t.ravel(), "y": y.reshape(-1, 2), "series": np.repeat(np.arange(series), rows)}
