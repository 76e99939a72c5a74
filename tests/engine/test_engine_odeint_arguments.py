"""What odeint and its kin say of wrong arguments: one sentence in the caller's terms."""

import pytest
import torch
from odeint_fields import F64, TIMES, Y0, Ball, Field, decay, swing, tensor

from odeviz.engine import odeint, odeint_adjoint, odeint_dense, odeint_event

START = torch.tensor(0.0, dtype=F64)


def with_options(method="dopri5", **options):
    return lambda: odeint(decay, Y0, TIMES, method=method, options=options)


def of_func(value):
    return lambda: odeint(lambda t, y: value, Y0, TIMES)


def of_event(value, **arguments):
    return lambda: odeint_event(decay, Y0, START, event_fn=lambda t, y: value, **arguments)


def of_tolerance(**tolerances):
    return lambda: odeint(decay, Y0, TIMES, **tolerances)


def of_adjoint(**arguments):
    return lambda: odeint_adjoint(Field(), Y0, TIMES, **arguments)


PAIR = (torch.ones(2), torch.ones(3))

WRONG_STATES = [
    (lambda: odeint(None, Y0, TIMES), TypeError, "func must be a callable"),
    (lambda: odeint(decay, [1.0], TIMES), TypeError, "y0 must be a tensor or a tuple of tensors, not list"),
    (lambda: odeint(decay, (Y0, 1.0), TIMES), TypeError, "y0 must be .* tuple of tensors, not holding float"),
    (lambda: odeint(decay, (), TIMES), ValueError, "y0 must hold at least one tensor, not be an empty tuple"),
    (lambda: odeint(decay, Y0.long(), TIMES), TypeError, "y0 must be of one of float16, .*, not int64"),
    (
        lambda: odeint(decay, (Y0, Y0.to("meta")), TIMES),
        ValueError,
        "y0's tensors must be on one device, not on cpu, meta",
    ),
    (
        lambda: odeint(decay, Y0, [0.0, 1.0]),
        TypeError,
        "t must be a tensor of floating-point numbers, not list",
    ),
    (lambda: odeint(decay, Y0, torch.tensor([0, 1])), TypeError, "t must be a tensor of floating-point"),
    (lambda: odeint(decay, Y0, tensor(0.0)[0]), ValueError, "t must be one-dimensional"),
    (lambda: odeint(decay, Y0, tensor(float("nan"))), ValueError, "t must hold finite times"),
    (lambda: odeint(decay, Y0, tensor(0.0, 1.0, 0.5)), ValueError, "t must be strictly increasing"),
    (
        lambda: odeint(decay, Y0, TIMES, method="dopry5"),
        ValueError,
        "method must be one of .*dopri8.*, not 'dopry5'; did you mean 'dopri5'",
    ),
    (lambda: odeint(decay, Y0, TIMES, method=["rk4"]), TypeError, "method must be the name of a method"),
    (lambda: odeint(decay, Y0, TIMES, method="scipy_solver"), ValueError, "'scipy_solver' is not offered"),
    (
        lambda: odeint(decay, Y0[0], TIMES, method="leapfrog"),
        ValueError,
        "y0 must have an even number of entries for method 'leapfrog', .* not 3",
    ),
    (
        lambda: odeint(decay, Y0.half(), TIMES, method="esdirk4"),
        ValueError,
        "method 'esdirk4' needs func to be more precise than float16",
    ),
    (of_func(None), ValueError, r"func's value must be a tensor of the shape of y0, \[2, 3\], not NoneType"),
    (of_func(1.0), ValueError, "func's value must be a tensor of the shape of y0, .* not float"),
    (of_func(Y0[0]), ValueError, r"func's value .* \[2, 3\], not \[3\]"),
    (
        lambda: odeint(decay, Y0.to_sparse(), TIMES),
        ValueError,
        "y0 must be dense, not of layout torch.sparse",
    ),
    (of_func(Y0.to_sparse()), ValueError, "func's value must be dense, not of layout torch.sparse"),
    (of_func(Y0 * 1j), ValueError, "func's value must be real as y0 is, not complex128"),
    (of_func(Y0.to("meta")), ValueError, "func's value must be on the device of y0, cpu, not meta"),
    (
        lambda: odeint(lambda t, y: y[0], (Y0,), TIMES),
        ValueError,
        "func's value must be a tuple of 1 tensors",
    ),
    (
        lambda: odeint(lambda t, y: y[:1], PAIR, TIMES),
        ValueError,
        r"func's value must be a tuple of 2 tensors of the shapes of y0's, \[2\], \[3\], not \(\[2\]\)",
    ),
    (
        lambda: odeint(lambda t, y: torch.from_numpy(-y.detach().numpy()), Y0, TIMES, method="esdirk4"),
        ValueError,
        "func depends on y in a way automatic differentiation does not see",
    ),
]
WRONG_TOLERANCES = [
    (of_tolerance(rtol="1"), TypeError, "rtol must be a finite number of at least 0, not '1'"),
    (of_tolerance(atol=None), TypeError, "atol must be a finite number of at least 0, not None"),
    (of_tolerance(rtol=-1.0), ValueError, "rtol must be a finite number of at least 0, not -1"),
    (of_tolerance(rtol=torch.ones(4)), ValueError, r"rtol must broadcast .* \[2, 3\], not \[4\]"),
    (of_tolerance(atol=torch.full((3,), -1.0)), ValueError, "atol must hold finite numbers of at least 0"),
    (of_tolerance(atol=["a"]), TypeError, "atol must hold numbers, not list"),
    (of_tolerance(rtol=0, atol=0), ValueError, "rtol and atol must not both be 0"),
]
WRONG_OPTIONS = [
    (lambda: odeint(decay, Y0, TIMES, options=[1]), TypeError, "options must be a dict .* not list"),
    (
        with_options(first_step="a"),
        TypeError,
        r"options\['first_step'\] must be a positive finite number, not 'a'",
    ),
    (
        with_options(first_step=-1),
        ValueError,
        r"options\['first_step'\] must be a positive finite number, not -1",
    ),
    (with_options(min_step=-1), ValueError, r"options\['min_step'\] must be a finite number of at least 0"),
    (
        with_options(min_step=2, max_step=1),
        ValueError,
        r"options\['max_step'\] must be above options\['min_step'\]",
    ),
    (
        with_options(max_num_steps=0),
        ValueError,
        r"options\['max_num_steps'\] must be a whole number of at least 1",
    ),
    (with_options(max_num_steps="many"), TypeError, r"options\['max_num_steps'\] must be a whole number"),
    (with_options(step_t="soon"), TypeError, r"options\['step_t'\] must be a finite time"),
    (with_options(jump_t=[float("nan")]), ValueError, r"options\['jump_t'\] must be a finite time"),
    (with_options(safety=2.0), ValueError, r"options\['safety'\] must be above 0 and at most 1, not 2"),
    (with_options(dfactor=1.5), ValueError, r"options\['dfactor'\] must be above 0 and below 1, not 1.5"),
    (with_options(ifactor=0.5), ValueError, r"options\['ifactor'\] must be above 1, not 0.5"),
    (with_options(dtype="f"), TypeError, r"options\['dtype'\] must be a torch.dtype, not 'f'"),
    (with_options(batched=3), TypeError, r"options\['batched'\] must be True or False, not 3"),
    (
        with_options(norm="l7"),
        TypeError,
        r"options\['norm'\] must be a function of a state, 'rms', 'max', not 'l7'",
    ),
    (with_options(norm=lambda x: x), TypeError, r"options\['norm'\] must return one number, not a"),
    (
        with_options("rk4", step_size=1, grid_constructor=max),
        ValueError,
        "options must hold step_size or grid_constructor, not both",
    ),
    (
        with_options("rk4", step_size=-1),
        ValueError,
        r"options\['step_size'\] must be a positive finite number, not -1",
    ),
    (
        with_options("rk4", step_size="a"),
        TypeError,
        r"options\['step_size'\] must be a positive finite number, not 'a'",
    ),
    (
        with_options("rk4", step_size=1e-13),
        ValueError,
        r"options\['step_size'\] must be above 1.5e-07, 10,000,000 steps",
    ),
    (
        with_options("rk4", interp="spline"),
        ValueError,
        r"options\['interp'\] must be 'linear' or 'cubic', not 'spline'",
    ),
    (with_options("rk4", grid_constructor=3), TypeError, r"options\['grid_constructor'\] must be a callable"),
    (
        with_options("rk4", grid_constructor=lambda f, y, t: t[:2]),
        ValueError,
        r"options\['grid_constructor'\] must return times from t\[0\] to t\[-1\], 0.0 to 1.5, not 0.0 to 0.35",
    ),
    (
        with_options("rk4", grid_constructor=lambda f, y, t: t.flip(0)),
        ValueError,
        r"options\['grid_constructor'\] must return at least two times in the order of t",
    ),
    (
        lambda: odeint(lambda t, s: s, PAIR, TIMES, options={"batched": True}),
        ValueError,
        r"options\['batched'\] is for states with a leading dimension, .* not for the shapes \[2\], \[3\]",
    ),
]
WRONG_EVENTS = [
    (lambda: odeint(decay, Y0, TIMES, event_fn=lambda t, y: y), ValueError, "t must hold two times"),
    (
        lambda: odeint(decay, Y0, TIMES[:2], event_fn=3),
        TypeError,
        r"event_fn must be a callable event_fn\(t, y\), not 3",
    ),
    (of_event(None), TypeError, "event_fn must return a tensor of real numbers .* not None"),
    (of_event(1.0), TypeError, "event_fn must return a tensor of real numbers .* not 1.0"),
    (of_event(Y0 < 0), TypeError, "event_fn must return a tensor of real numbers .* of bool"),
    (of_event(Y0[:0]), ValueError, "event_fn must return a tensor .* not an empty one"),
    (of_event(tensor(float("nan"))), ValueError, "event_fn must have a value at the start, t = 0, not NaN"),
    (
        of_event(Y0 - 9, options={"batched": True}),
        ValueError,
        r"options\['batched'\] and event_fn do not go together",
    ),
    (of_event(Y0 - 9, method="rk4"), ValueError, "options must hold step_size when method 'rk4'"),
    (lambda: odeint_event(decay, Y0, "now", event_fn=max), TypeError, "t0 must be a number, not 'now'"),
    (lambda: odeint_event(decay, Y0, TIMES, event_fn=max), ValueError, "t0 must be one floating-point time"),
    (
        lambda: odeint_event(decay, Y0, START, event_fn=max, odeint_interface="odeint"),
        TypeError,
        "odeint_interface must be a callable",
    ),
    (lambda: odeint_dense(decay, Y0, 1.0, 1.0), ValueError, "t0 and t1 must be two different finite times"),
    (lambda: odeint_dense(decay, Y0, None, 1.0), TypeError, "t0 must be a number, not None"),
    (
        lambda: odeint_dense(decay, Y0, 0.0, 1.0)("x"),
        TypeError,
        "t must be a finite time or a sequence of them",
    ),
    (
        lambda: odeint_dense(decay, Y0, 0.0, 1.0)(torch.ones(1, 1)),
        ValueError,
        r"t must be a time or times \[n\]",
    ),
]
WRONG_ADJOINTS = [
    (lambda: odeint_adjoint(decay, Y0, TIMES), ValueError, "func must be an nn.Module, or adjoint_params"),
    (of_adjoint(adjoint_method="rk5"), ValueError, "adjoint_method must be one of .* did you mean 'rk4'"),
    (
        of_adjoint(adjoint_rtol=(1, 2)),
        TypeError,
        "adjoint_rtol must be a finite number of at least 0, not tuple",
    ),
    (of_adjoint(adjoint_options=[1]), TypeError, "adjoint_options must be a dict .* not list"),
    (of_adjoint(adjoint_options={"norm": 3}), TypeError, r"adjoint_options\['norm'\] must be a function"),
    (
        of_adjoint(adjoint_params=Y0),
        TypeError,
        r"adjoint_params must be a sequence of tensors, such as \[w\], not a",
    ),
    (
        of_adjoint(adjoint_params=[3]),
        TypeError,
        "adjoint_params must be a sequence of tensors, .* it holds 3",
    ),
]
WRONG = [*WRONG_STATES, *WRONG_TOLERANCES, *WRONG_OPTIONS, *WRONG_EVENTS, *WRONG_ADJOINTS]


@pytest.mark.parametrize(("call", "error", "message"), WRONG, ids=[message for _, _, message in WRONG])
def test_a_wrong_argument_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (with_options(step_sise=0.1), "options step_sise mean nothing to method 'dopri5'"),
        (with_options("rk4", stepsize=0.1), "did you mean 'step_size'"),
        (of_adjoint(adjoint_method="bosh3"), "adjoint_method 'bosh3' is not used: .* of the solve, 'dopri5'"),
        (of_adjoint(adjoint_options={"first_step": 0.1}), "adjoint_options first_step are not used"),
        (of_tolerance(rtol=1e-20, atol=1e-20), "ask for less than the rounding of float64"),
        (lambda: odeint(lambda t, y: y / 0, Y0, TIMES, method="euler"), "func's value is no longer finite"),
        (
            lambda: odeint(decay, torch.ones(70, 3), TIMES, method="esdirk4", rtol=0.1),
            r"as one system, with a Jacobian of 210 x 210, .* options=\{'batched': True\}",
        ),
        (
            lambda: odeint_event(Ball(), PAIR, START, event_fn=lambda t, y: t, options={"a": 1}),
            "options a mean",
        ),
    ],
)
def test_a_warning_points_at_the_callers_line(call, message):
    with pytest.warns(Warning, match=message) as caught:
        call()
    assert {warning.filename for warning in caught} == {__file__}


def test_an_adjoint_method_that_is_not_used_changes_nothing():
    def gradient(**arguments):
        field = Field()
        odeint_adjoint(field, Y0, TIMES, **arguments).sum().backward()
        return field.A.grad

    with pytest.warns(UserWarning, match="adjoint_method 'rk4' is not used"):
        got = gradient(adjoint_method="rk4")
    assert torch.equal(got, gradient())
    assert torch.equal(gradient(adjoint_method="dopri5"), got)


def test_numbers_come_in_many_forms():
    """What torchdiffeq takes for a number or a time."""
    wanted = odeint(swing, Y0, TIMES, rtol=1e-5, atol=1e-6, options={"jump_t": [0.5], "step_t": (0.2,)})
    options = {"jump_t": 0.5, "step_t": torch.tensor(0.2, dtype=F64)}
    rtol, atol = torch.tensor(1e-5, dtype=F64), [1e-6] * 3
    got = odeint(swing, Y0, TIMES, rtol=rtol, atol=atol, options=options)
    torch.testing.assert_close(got, wanted, rtol=0, atol=1e-12)
