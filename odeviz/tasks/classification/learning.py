"""Cross-entropy of a classifier on a fixed set of points; accuracy on fresh ones."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from odeviz.engine.integrate import CancelToken
from odeviz.models import Classifier, ODENet, ResidualNet
from odeviz.tasks import learning
from odeviz.tasks.classification import CLASSES, GLANCED, PLANE, SCORED
from odeviz.tasks.classification.boundary import boundary_at, can_run_back
from odeviz.tasks.classification.source import Labelled, source_of
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.learning import HELD_OUT_STREAM, NO_DATA, TRAINING_STREAM, Data
from odeviz.tasks.plane import Plane

#: (points [n, 2], labels [n])
Batch = tuple[Tensor, Tensor]


class Learning(learning.Learning):
    """See the module."""

    def __init__(self, experiment: Experiment, device: torch.device, data: Data = NO_DATA) -> None:
        super().__init__(experiment, device, data)
        self._source = source_of(experiment, data, self.stream(TRAINING_STREAM))
        self._x, self._labels = self._tensors(self._source.learnt)
        self.test = self._tensors(self._source.held_out(SCORED, self.stream(HELD_OUT_STREAM)))
        self._size = min(experiment.training.batch, len(self._x))

    @staticmethod
    def build(experiment: Experiment, data: Data = NO_DATA) -> Classifier:
        options = experiment.options
        common: dict[str, Any] = {
            "dim": PLANE,
            "classes": CLASSES,
            "hidden": learning.hidden_layers(experiment),
            "activation": experiment.field.activation,
            "time": experiment.field.time,
            "extra_dims": experiment.field.extra_dims,
            "t1": experiment.solver.t1,
            "solver": learning.solver_options(experiment),
        }
        if options.model == "residual-net":
            return ResidualNet(blocks=options.blocks, tied=options.tied, **common)
        return ODENet(controlled=options.controlled, **common)

    def batch(self, rng: np.random.Generator, progress: float) -> Batch:
        chosen = torch.from_numpy(rng.choice(len(self._x), self._size, replace=False)).to(self._x.device)
        return self._x[chosen], self._labels[chosen]

    def loss(self, model: Classifier, batch: Batch) -> Tensor:
        x, labels = batch
        return nn.functional.cross_entropy(model(x), labels)

    @torch.no_grad()
    def metrics(self, model: Classifier, full: bool) -> dict[str, float]:
        x, labels = (part if full else part[:GLANCED] for part in self.test)
        logits = model(x)
        if not bool(torch.isfinite(logits).all()):
            return {"accuracy": math.nan}
        return {"accuracy": (logits.argmax(1) == labels).cpu().double().mean().item()}

    def plane(self, model: Classifier) -> Plane:
        """The plane of the data; of a field that sees the input, as an input sees it that stands where it began."""
        plane = Plane.of_axes(model.state_dim, like=next(model.parameters()))
        if not model.controlled:
            return plane
        embedding = plane.basis.clone()
        embedding[-PLANE:] = torch.eye(PLANE, dtype=embedding.dtype, device=embedding.device)
        return dataclasses.replace(plane, embedding=embedding)

    def extent(self, model: Any) -> tuple[float, float, float, float]:
        return self._source.extent

    def shown(self, model: Any, n: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        points, labels = self._source.learnt
        return points[:n].copy(), labels[:n].copy()

    def starts(self, model: Any, n: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        return self._source.draw(n, np.random.default_rng(seed))

    @torch.no_grad()
    def border(
        self, model: Classifier, times: list[float], cancel: CancelToken | None = None
    ) -> NDArray[np.float64] | None:
        return boundary_at(model, self.extent(model), times, cancel) if can_run_back(model) else None

    def _tensors(self, drawn: Labelled) -> Batch:
        points, labels = drawn
        return self.tensor(points), torch.from_numpy(labels).to(self.device)
