"""What a vector field depends on beside the state: the tensors that receive gradients, and a look for others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from odeviz.engine.checks import checked_tensors, described


def parameters_of(field: object, params: Iterable[Tensor] | None) -> tuple[Tensor, ...]:
    """The tensors to differentiate with respect to: a module's own parameters and those given, each once."""
    given = checked_tensors("params", () if params is None else params)
    chosen = {id(p): p for p in (*(p for _, p in own_parameters(field)), *given)}.values()
    return tuple(p for p in chosen if p.requires_grad)


def own_parameters(field: object) -> Iterable[tuple[str, Tensor]]:
    """Those of a module, also behind its methods, partial applications of it or with it, and wrappers of functions."""
    if isinstance(field, nn.Module):
        return field.named_parameters()
    if isinstance(field, partial):
        parts = (field.func, *field.args, *field.keywords.values())
        return (p for part in parts for p in own_parameters(part))
    behind = (getattr(field, name, None) for name in ("__self__", "__wrapped__"))
    return (p for other in behind if other is not None for p in own_parameters(other))


class Unchanged:
    """Looks after parameters, which must be what they were at the solve when its gradient evaluates the field anew."""

    def __init__(self, field: object, parameters: Iterable[Tensor], *, frozen: bool) -> None:
        """With ``frozen`` the field's own that get no gradient are looked after too."""
        self._field = field
        own = (p for _, p in own_parameters(field)) if frozen else ()
        watched = {id(p): p for p in (*parameters, *own) if not p.is_inference()}
        self._versions = [(p, p._version) for p in watched.values()]

    def check(self) -> None:
        """``RuntimeError`` naming one that was changed."""
        for p, version in self._versions:
            if p._version != version:
                names = (f"the parameter {name!r}" for name, own in own_parameters(self._field) if own is p)
                raise RuntimeError(changed_in_place(next(names, described(p))))


def changed_in_place(what: str) -> str:
    """What is said of a tensor that a gradient needs and that is not what it was."""
    return (
        f"{what}, which the gradient of a solve needs, was changed in place after the solve, as optimizer.step() does: "
        "take the gradient first, or change a copy"
    )


def check_listed(value: Tensor, known: Sequence[Tensor]) -> None:
    """``ValueError`` when the field's value depends on tensors that require a gradient and are not ``known``."""
    missed = len(unlisted(value, known))
    if missed:
        tensors = "1 tensor that requires" if missed == 1 else f"{missed} tensors that require"
        raise ValueError(
            f"field depends on {tensors} a gradient and would get none: name all it depends on in params=[...] "
            "(params=() for nothing) or detach it there, use adjoint='backprop', or solve under torch.no_grad()"
        )


def unlisted(value: Tensor, known: Sequence[Tensor]) -> list[Tensor]:
    """The leaves that a value's graph ends in, but for those at or behind the ``known`` tensors."""
    names = {id(x) for x in known}
    if not value.requires_grad or id(value) in names:
        return []
    if value.grad_fn is None:
        return [value]
    seen: set[Any] = {x.grad_fn for x in known if x.grad_fn is not None}
    found: dict[int, Tensor] = {}
    ahead: list[Any] = [value.grad_fn]
    while ahead:
        node = ahead.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if type(node).__name__ == "AccumulateGrad":
            if id(node.variable) not in names:
                found[id(node.variable)] = node.variable
        else:
            ahead += [before for before, _ in node.next_functions]
    return list(found.values())


def is_traced(evaluate: Callable[[], Tensor], tensors: Iterable[object]) -> bool:
    """Whether forward-mode differentiation or a transform of ``torch.func`` follows a solve.

    It does when it follows one of ``tensors`` or the field's value, which ``evaluate`` computes when there is need.
    """
    transforms: bool = torch._C._are_functorch_transforms_active()
    if not transforms and forward_ad._current_level < 0:
        return False
    return any(is_followed(x) for x in (*tensors, evaluate()))


def is_followed(x: object) -> bool:
    if not isinstance(x, Tensor):
        return False
    if torch._C._functorch.is_functorch_wrapped_tensor(x):
        return True
    return forward_ad._current_level >= 0 and forward_ad.unpack_dual(x).tangent is not None  # type: ignore[no-untyped-call]


def check_traced(adjoint: str, t: object, *, per_sample: bool = False) -> None:
    """``RuntimeError`` unless a solve that is followed so can be."""
    who = "forward-mode differentiation and torch.func's transforms"
    if per_sample:
        raise RuntimeError(f"{who} do not go through a solve with per_sample")
    if adjoint != "backprop":
        raise RuntimeError(
            f"{who} go through a solve only with adjoint='backprop' (odeint in torchdiffeq's interface)"
        )
    if is_followed(t):
        raise RuntimeError(f"{who} do not go through the times of a solve, but through those of odeint")


def check_constant(name: str, times: object) -> None:
    """``ValueError`` when one of the times requires a gradient, which it would not get."""
    given = times if isinstance(times, list | tuple) else (times,)
    if any(isinstance(x, Tensor) and x.requires_grad for x in given):
        raise ValueError(f"{name} get no gradient: detach those that require one")
