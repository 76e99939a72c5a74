"""Regularised dynamics: a state that carries its kinetic energy and the norm of its Jacobian."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from odeviz.engine.kernel import AutogradKernel, Kernel, stands_for
from odeviz.fields.divergence import Time, check_noise, check_rows
from odeviz.fields.mlp import MLPField
from odeviz.fields.mlp_kernel import MLPKernel
from odeviz.fields.noise_networks import noisy_kernel
from odeviz.fields.regularized_networks import regularized_network
from odeviz.fields.rescaled import Rescaled


class RegularizedField(nn.Module):
    """d/dt [z, log p, K, N] = [f, -tr J, |f|^2, ||J||_F^2] with f = f(t, z) and J = df/dz, for each sample.

    K and N are the two regularisers of RNODE (Finlay et al., 2020, "How to train your neural ODE: the world of
    Jacobian and kinetic regularization"): a loss that adds multiples of their means at the end prefers straight
    paths at constant speed, which take few steps. States are ``[batch, dim]``, where ``dim`` is the field's and
    two more, or three with log p.

    Parameters
    ----------
    field : a module ``forward(t, y)`` with ``dim``. For :class:`MLPField`, also when :class:`Rescaled`, all states
        are fused with the network; any other module is differentiated automatically.
    log_density : whether log p is a part of the state, as in :class:`LogDensityField`.
    noise : None for the exact Frobenius norm, which costs one tangent for each dimension; or e ``[batch, dim]``, drawn
        once for a solve from a distribution of mean 0 and covariance I, for the estimate |J e|^2 from one tangent.
        The paper writes |e^T J|^2, whose expectation is the same ||J||_F^2. With ``log_density`` the whole
        Jacobian is there anyway, and the exact norm is the cheaper one, unless the trace is estimated too.
    hutchinson : whether the trace is estimated with the same noise, e^T J e, as in the paper.
    """

    noise: Tensor | None

    def __init__(
        self,
        field: nn.Module,
        *,
        log_density: bool = True,
        noise: Tensor | None = None,
        hutchinson: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(getattr(field, "dim", None), int):
            raise TypeError(
                f"field must have dim, which {type(field).__name__} has not; wrap it in AutogradField"
            )
        self.field = field
        self.log_density = bool(log_density)
        self._inner: int = field.dim  # type: ignore[assignment]
        self.dim = self._inner + 2 + self.log_density
        check_noise(noise, self._inner)
        if hutchinson and (noise is None or not log_density):
            raise ValueError("hutchinson needs noise and log_density")
        self.hutchinson = bool(hutchinson)
        self.register_buffer("noise", None if noise is None else noise.detach(), persistent=False)

    def forward(self, t: Time, state: Tensor) -> Tensor:
        if self.noise is not None:
            check_rows(self.noise, state)
        differentiable = torch.is_grad_enabled()
        with torch.enable_grad():
            z = state[:, : self._inner]
            z = z if differentiable and z.requires_grad else z.detach().requires_grad_()
            value: Tensor = self.field(t, z)
            exact = self.noise is None or (self.log_density and not self.hutchinson)
            J = _jacobian(value, z, differentiable) if exact else None
            # One column of the Jacobian-vector product where there is noise, else all of them.
            measured = J if self.noise is None else _jacobian_times(value, z, self.noise, differentiable)
            assert measured is not None
            parts = [value.square().sum(1), measured.square().flatten(1).sum(1)]
            if self.hutchinson and self.noise is not None:
                parts.insert(0, -(self.noise * measured).sum(1))
            elif self.log_density and J is not None:
                parts.insert(0, -J.diagonal(dim1=1, dim2=2).sum(1))
        result = torch.cat([value, torch.stack(parts, 1)], 1)
        return result if differentiable else result.detach()

    def kernel(self, y0: Tensor) -> Kernel:
        """The field prepared for one solve from ``y0 [batch, dim]``."""
        if self.noise is not None:
            check_rows(self.noise, y0)
        inner, log_duration = self.field, None
        if isinstance(inner, Rescaled) and stands_for(inner, Rescaled):
            log_duration, inner = inner.log_duration, inner.field
        if not (isinstance(inner, MLPField) and stands_for(inner, MLPField)):
            return AutogradKernel(self, y0, tuple(self.parameters()))
        kind = regularized_network(self.log_density, self.noise is not None, self.hutchinson)
        if self.noise is None:
            return MLPKernel(inner, y0, log_duration, kind)
        return noisy_kernel(inner, y0, log_duration, kind, self.noise)


def _jacobian(value: Tensor, z: Tensor, differentiable: bool) -> Tensor:
    """J ``[batch, dim, dim]``, one backward pass for each row."""
    if not value.requires_grad:
        return value.new_zeros(*value.shape, z.shape[1])
    rows = [
        torch.autograd.grad(
            value[:, d].sum(), z, create_graph=differentiable, retain_graph=True, materialize_grads=True
        )[0]
        for d in range(value.shape[1])
    ]
    return torch.stack(rows, 1)


def _jacobian_times(value: Tensor, z: Tensor, noise: Tensor, differentiable: bool) -> Tensor:
    """J e ``[batch, dim]``: u^T J is linear in u, and its derivative along u is J."""
    if not value.requires_grad:
        return torch.zeros_like(value)
    u = torch.zeros_like(value, requires_grad=True)
    (pulled,) = torch.autograd.grad(value, z, u, create_graph=True, materialize_grads=True)
    if not pulled.requires_grad:
        return torch.zeros_like(value)
    (pushed,) = torch.autograd.grad(
        pulled, u, noise, create_graph=differentiable, retain_graph=True, materialize_grads=True
    )
    return pushed
