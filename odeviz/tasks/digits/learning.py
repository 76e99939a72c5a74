"""Cross-entropy on the training digits; error, size, memory and work on the test digits."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from odeviz.models import Classifier, ODENet, ResidualNet, RKNet, SolverOptions
from odeviz.tasks import learning
from odeviz.tasks.digits.images import CLASSES, PIXELS, Images, split
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.learning import NO_DATA, Data
from odeviz.tasks.plane import Plane

#: (pixels [n, 64], digits [n])
Batch = tuple[Tensor, Tensor]
#: Digits of the batch whose gradient's cost is measured: the default batch.
_COSTED = 64
#: Training digits whose end states the plane is laid through, and how finely they are solved.
_SPANNING, _TOLERANCE = 500, SolverOptions(rtol=1e-3, atol=1e-3)


class Learning(learning.Learning):
    """See the module."""

    def __init__(self, experiment: Experiment, device: torch.device, data: Data = NO_DATA) -> None:
        super().__init__(experiment, device, data)
        trained, self.tested = split()
        self._train, self.test = self._tensors(trained), self._tensors(self.tested)
        self._size = min(experiment.training.batch, len(trained.labels))

    @staticmethod
    def build(experiment: Experiment, data: Data = NO_DATA) -> Classifier:
        options, field = experiment.options, experiment.field
        common: dict[str, Any] = {
            "dim": options.state_dim,
            "classes": CLASSES,
            "hidden": learning.hidden_layers(experiment),
            "activation": field.activation,
            "extra_dims": field.extra_dims,
            "inputs": PIXELS,
            "t1": experiment.solver.t1,
            "solver": learning.solver_options(experiment),
        }
        if options.model == "residual-net":
            return ResidualNet(blocks=options.blocks, **common)
        return (RKNet if options.model == "rk-net" else ODENet)(time=field.time, **common)

    def batch(self, rng: np.random.Generator, progress: float) -> Batch:
        pixels, labels = self._train
        chosen = torch.from_numpy(rng.choice(len(labels), self._size, replace=False)).to(labels.device)
        return pixels[chosen], labels[chosen]

    def loss(self, model: Classifier, batch: Batch) -> Tensor:
        pixels, labels = batch
        return nn.functional.cross_entropy(model(pixels), labels)

    @torch.no_grad()
    def metrics(self, model: Classifier, full: bool) -> dict[str, float]:
        figures = {"error": self.error(model)}
        if not full:
            return figures
        figures |= self.cost(model)
        if not isinstance(model, ResidualNet):
            fine, coarse = (self.error(model, SolverOptions(rtol=tol, atol=tol)) for tol in (1e-4, 1.0))
            figures["tolerance_shift"] = abs(coarse - fine)
        return figures

    def error(self, model: Classifier, solver: SolverOptions | None = None) -> float:
        """Share of the test digits that are not recognised; NaN when the solve failed."""
        pixels, labels = self.test
        scores = model.classify_from(model.lift(pixels), 0.0, solver)
        if not bool(torch.isfinite(scores).all()):
            return math.nan
        return (scores.argmax(1) != labels).cpu().double().mean().item()

    def cost(self, model: Classifier) -> dict[str, float]:
        """Parameters, and what the gradient of one batch takes, measured on a copy."""
        twin = copy.deepcopy(model).requires_grad_(True)
        pixels, labels = self.test
        parameters = list(twin.parameters())
        with torch.enable_grad():
            torch.autograd.grad(self.loss(twin, (pixels[:_COSTED], labels[:_COSTED])), parameters)
        assert twin.last_solution is not None
        stats = twin.last_solution.stats
        return {
            "parameters": float(sum(parameter.numel() for parameter in parameters)),
            "bytes_kept": float(stats.bytes_kept),
            "nfe": float(stats.nfe_forward),
            "nfe_backward": float(stats.nfe_backward),
        }

    @torch.no_grad()
    def plane(self, model: Classifier) -> Plane:
        """The first two principal components of the flow's end states, each with its larger half to the right or top.

        Two axes of the state where the flow does not arrive.
        """
        names = ("first component", "second component")
        start = model.lift(self._train[0][:_SPANNING])
        ends = model.flow(start, (0.0, model.t1), _TOLERANCE).y1
        if not bool(torch.isfinite(ends).all()):
            return Plane.of_axes(model.state_dim, like=ends, labels=names)
        origin = ends.mean(0)
        basis = torch.linalg.svd(ends - origin, full_matrices=False).Vh[:2].T.contiguous()
        skew = ((ends - origin) @ basis).pow(3).sum(0)
        return Plane(origin, basis * torch.where(skew < 0, -1.0, 1.0), labels=names)

    @torch.no_grad()
    def extent(self, model: Classifier) -> tuple[float, float, float, float]:
        """A square that holds nearly all digits at both ends of the flow; its size changes in steps of a quarter."""
        plane, start = self.plane(model), model.lift(self.test[0])
        states = model.flow(start, (0.0, model.t1), _TOLERANCE).y
        points = plane.points(states, states.new_tensor([0.0, model.t1])).abs().amax(-1).flatten()
        reach = torch.quantile(torch.nan_to_num(points, nan=1.0), 0.99).item()
        half = 1.25 ** math.ceil(math.log(max(1.05 * reach, 1e-3), 1.25))
        return (-half, half, -half, half)

    @torch.no_grad()
    def shown(self, model: Classifier, n: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        states = model.lift(self.test[0][:n])
        points = self.plane(model).points(states, states.new_tensor(0.0))
        return points.cpu().float().numpy(), self.tested.labels[:n].copy()

    @torch.no_grad()
    def shown_states(self, model: Classifier, n: int) -> tuple[NDArray[np.floating[Any]], NDArray[np.int64]]:
        return model.lift(self.test[0][:n]).cpu().numpy(), self.tested.labels[:n].copy()

    @torch.no_grad()
    def starts(
        self, model: Classifier, n: int, seed: int
    ) -> tuple[NDArray[np.floating[Any]], NDArray[np.int64]]:
        labels = self.tested.labels
        chosen = np.random.default_rng(seed).choice(len(labels), min(n, len(labels)), replace=False)
        states: NDArray[np.floating[Any]] = model.lift(self.test[0][chosen]).cpu().numpy()
        return states, labels[chosen].copy()

    def _tensors(self, images: Images) -> Batch:
        return self.tensor(images.pixels.copy()), torch.from_numpy(images.labels.copy()).to(self.device)
