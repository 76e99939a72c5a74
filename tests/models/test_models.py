"""ODE-Net and CNF against closed forms: linear flows, change of variables, mass, gradients."""

from __future__ import annotations

import copy
import math
import pickle

import pytest
import torch

from odeviz.engine import Status
from odeviz.models import CNF, ODENet, SolverOptions
from odeviz.training.runtime import one_thread

TIGHT = SolverOptions(rtol=1e-10, atol=1e-10)


def points(n, dim=2, dtype=torch.float64, seed=0):
    return torch.randn(n, dim, dtype=dtype, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(autouse=True)
def _seeded_on_one_thread():
    with torch.random.fork_rng(devices=[]), one_thread():
        torch.manual_seed(0)
        yield


def flow_of(model, t0=0.0, t1=None):
    """The flow map x -> x(t1) as a function of one point, for autograd."""

    def carry(x):
        return model.flow(x[None], (t0, model.t1 if t1 is None else t1), TIGHT).y1[0]

    return carry


def test_five_lines_train_a_classifier():
    model = ODENet(dim=2, classes=3, hidden=(16, 16))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x, label = points(64, dtype=torch.float32), torch.arange(64) % 3
    losses = []
    for _ in range(5):
        loss = torch.nn.functional.cross_entropy(model(x), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert model.predict(x).shape == (64,)


def test_logits_are_the_readout_of_the_state_at_t1():
    model = ODENet(extra_dims=2, t1=1.5, hidden=(8,)).double()
    x = points(5)
    state = model.lift(x)
    assert torch.equal(state, torch.cat([x, torch.zeros(5, 2, dtype=x.dtype)], 1))
    halfway = model.flow(state, (0.0, 0.7), TIGHT).y1
    end = model.flow(halfway, (0.7, model.t1), TIGHT).y1
    model.solver = TIGHT
    assert torch.allclose(model(x), model.readout(end), atol=1e-8)
    assert torch.allclose(model.classify_from(halfway, 0.7), model(x), atol=1e-8)
    assert torch.allclose(model.classify_from(end, model.t1), model(x), atol=1e-8)


def test_log_prob_obeys_the_change_of_variables():
    cnf = CNF(hidden=(8, 8), t1=1.3, solver=TIGHT).double()
    z = points(4)
    x = cnf.flow(z, (0.0, cnf.t1), TIGHT).y1.detach()
    for zi, xi in zip(z, x, strict=True):
        jacobian = torch.autograd.functional.jacobian(flow_of(cnf), zi)
        expected = cnf.base_log_prob(zi[None]) - torch.linalg.slogdet(jacobian)[1]
        assert torch.allclose(cnf.log_prob(xi[None]), expected, atol=1e-7)


def test_base_density_is_the_standard_normals():
    z = points(6, dim=3)
    expected = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(1)
    cnf = CNF(dim=3)
    assert torch.allclose(cnf.base_log_prob(z), expected)
    assert torch.equal(cnf.log_prob_at(z, 0.0), cnf.base_log_prob(z))


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_density_has_mass_one_at_every_time(share):
    cnf = CNF(hidden=(16, 16), solver=SolverOptions(rtol=1e-6, atol=1e-6)).double()
    n, half = 80, 8.0
    axis = -half + 2 * half / n * (torch.arange(n, dtype=torch.float64) + 0.5)
    with torch.no_grad():
        density = cnf.log_prob_at(torch.cartesian_prod(axis, axis), share * cnf.t1).exp()
    assert density.sum().item() * (2 * half / n) ** 2 == pytest.approx(1.0, abs=1e-4)


def test_density_by_samples_agrees_with_log_prob():
    # E_p[q / p] = 1 for any density q: here the standard normal.
    cnf = CNF(hidden=(16,))
    x = cnf.sample(4000, torch.Generator().manual_seed(3))
    with torch.no_grad():
        ratio = (cnf.base_log_prob(x) - cnf.log_prob(x)).exp()
    assert ratio.mean().item() == pytest.approx(1.0, abs=4 * ratio.std().item() / math.sqrt(4000))


def test_end_time_is_learnt_by_its_exact_gradient():
    cnf = CNF(hidden=(8, 8), t1=0.8, solver=TIGHT).double()
    x = points(6)
    cnf.log_prob(x).mean().backward()

    def at(t1):
        with torch.no_grad():
            return cnf.log_prob_at(x, t1).mean().item()

    step = 1e-4
    slope = (at(cnf.t1 + step) - at(cnf.t1 - step)) / (2 * step)
    assert cnf.log_t1.grad.item() == pytest.approx(cnf.t1 * slope, rel=1e-5)


@pytest.mark.parametrize(
    ("model", "arguments", "sentence"),
    [
        (CNF, {"t1": 0.0}, "t1 must be a positive finite number, not 0.0"),
        (CNF, {"t1": math.nan}, "t1 must be a positive finite number, not nan"),
        (ODENet, {"t1": -1.0}, "t1 must be a positive finite number, not -1.0"),
        (ODENet, {"classes": 0}, "classes must be at least 1, not 0"),
        (ODENet, {"extra_dims": -1}, "extra_dims must be at least 0, not -1"),
        (ODENet, {"dim": 0}, "dim must be at least 1, not 0"),
    ],
)
def test_wrong_arguments_are_named(model, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        model(**arguments)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: SolverOptions(method="dopri"), "method must be one of .*; did you mean 'dopri5'"),
        (lambda: SolverOptions(rtol=-1), "rtol must be a finite number of at least 0, not -1"),
        (lambda: SolverOptions(steps=0), "steps must be at least 1, not 0"),
        (lambda: SolverOptions(steps=None), "steps must be a whole number of at least 1, not None"),
        (lambda: SolverOptions(method="adams", per_sample=True), "method must be one of .* with per_sample"),
        (lambda: SolverOptions(first_step=-0.5), "first_step must be a positive finite number"),
        (
            lambda: SolverOptions(adjoint="reversible"),
            "adjoint 'reversible' needs a method that can be undone",
        ),
        (lambda: CNF(solver="dopri5"), "solver must be a SolverOptions, not 'dopri5'"),
        (lambda: ODENet(solver={"rtol": 1}), "solver must be a SolverOptions, not dict"),
        (lambda: CNF(2, 32), r"hidden must be a sequence of widths, such as \(64, 64\), not 32"),
        (lambda: ODENet(2, 2, 32), "hidden must be a sequence of widths"),
        (
            lambda: CNF(2, (8,)).log_prob(torch.ones(5, 3)),
            r"x must be .* \[batch, 2\], not a \[5, 3\] tensor",
        ),
        (
            lambda: CNF(2, (8,)).log_prob_at(torch.ones(2), 0.5),
            r"z must be .* \[batch, 2\], not a \[2\] tensor",
        ),
        (lambda: CNF(2, (8,)).log_prob(torch.ones(0, 2)), r"x must be a non-empty tensor"),
        (lambda: ODENet(2, 2, (8,))(torch.ones(5, 3)), r"x must be .* \[batch, 2\], not a \[5, 3\] tensor"),
        (lambda: ODENet(2, 2, (8,), inputs=4)(torch.ones(5, 2)), r"x must be .* \[batch, 4\]"),
        (lambda: ODENet(2, 2, (8,)).flow(torch.ones(5, 3), (0.0, 1.0)), r"z0 must be .* \[batch, 2\]"),
        (lambda: CNF(2, (8,)).sample(0), "n must be at least 1, not 0"),
        (lambda: CNF(2, (8,)).sample(-1), "n must be at least 1, not -1"),
        (lambda: CNF(2, (8,)).sample(2.5), "n must be a whole number of at least 1, not 2.5"),
    ],
)
def test_wrong_solvers_widths_and_data_are_named(make, sentence):
    with pytest.raises((ValueError, TypeError), match=sentence):
        make()


def test_end_time_that_was_replaced_is_the_one_in_use() -> None:
    model, x = CNF(2, (8,)), torch.randn(4, 2)
    longer = CNF(2, (8,), t1=2.0).state_dict()
    model.load_state_dict(longer, assign=True)
    value = model.log_prob(x)
    with torch.no_grad():
        torch.testing.assert_close(value.detach(), model.log_prob(x), rtol=1e-3, atol=1e-3)
    value.sum().backward()
    assert model.log_t1.grad is not None


def test_fixed_end_time_is_no_parameter():
    cnf = CNF(t1=2.0, learn_t1=False)
    assert cnf.t1 == 2.0
    assert all(name.startswith("field.") for name, _ in cnf.named_parameters())
    assert [name for name, _ in CNF().named_parameters() if not name.startswith("field.")] == ["log_t1"]
    assert all(name.startswith("field.") or name == "log_t1" for name in CNF().state_dict())


@pytest.mark.parametrize("adjoint", ["discrete", "backsolve", "backprop"])
def test_gradient_of_log_prob_is_that_of_finite_differences(adjoint):
    options = SolverOptions(rtol=1e-9, atol=1e-9, adjoint=adjoint)
    cnf = CNF(hidden=(6, 6), solver=options).double()
    x = points(5)
    cnf.log_prob(x).mean().backward()
    for name, p in cnf.named_parameters():
        flat = p.data.view(-1)
        index, step = int(flat.numel() // 2), 1e-5
        value = flat[index].item()
        ends = []
        for sign in (1, -1):
            flat[index] = value + sign * step
            with torch.no_grad():
                ends.append(cnf.log_prob(x).mean().item())
        flat[index] = value
        slope = (ends[0] - ends[1]) / (2 * step)
        assert p.grad.view(-1)[index].item() == pytest.approx(slope, rel=1e-4, abs=1e-7), name


def test_samples_run_back_to_the_base():
    cnf = CNF(hidden=(16, 16)).double()
    cnf.solver = TIGHT
    generator = torch.Generator().manual_seed(1)
    x = cnf.sample(50, generator)
    again = torch.randn(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(cnf.flow(x, (cnf.t1, 0.0)).y1, again, atol=1e-7)


def test_solver_is_replaced_at_any_time_and_tells_its_cost():
    model = ODENet(hidden=(8,), solver=SolverOptions(method="rk4", steps=5))
    x = points(3, dtype=torch.float32)
    model(x).sum().backward()
    assert model.last_solution.stats.nfe_forward == 20
    assert model.last_solution.stats.nfe_backward == 20
    model.solver = SolverOptions(method="euler", steps=7)
    model(x)
    assert model.last_solution.stats.nfe_forward == 7
    assert not model.last_solution.y.requires_grad


def test_failed_solve_is_a_status_and_nan_rows():
    cnf, model = CNF(hidden=(4,)), ODENet(hidden=(4,))
    for broken in (cnf, model):
        with torch.no_grad():
            next(broken.field.parameters()).fill_(math.inf)
    x = points(3, dtype=torch.float32)
    assert torch.isnan(cnf.log_prob(x)).all()
    assert cnf.last_solution.status is Status.NON_FINITE
    assert torch.isnan(cnf.sample(3)).all()
    assert torch.isnan(model(x)).all()
    assert "no longer finite" in model.last_solution.message


def test_models_copy_and_pickle_with_their_weights():
    cnf = CNF(hidden=(8, 8))
    x = points(4, dtype=torch.float32)
    before = cnf.log_prob(x)
    for twin in (copy.deepcopy(cnf), pickle.loads(pickle.dumps(cnf))):
        assert torch.equal(twin.log_prob(x), before)
        with torch.no_grad():
            twin.log_t1.add_(0.5)
            next(twin.field.parameters()).mul_(2.0)
        assert not torch.allclose(twin.log_prob(x), before)
    assert torch.equal(cnf.log_prob(x), before)


def test_first_step_is_a_share_of_the_interval():
    model = ODENet(hidden=(8,), t1=2.0, solver=SolverOptions(first_step=0.125))
    model(points(3, dtype=torch.float32))
    assert model.last_solution.stats.steps[0].h == pytest.approx(0.25)
