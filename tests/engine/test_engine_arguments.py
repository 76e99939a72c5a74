"""Wrong arguments get one sentence that names the argument, what is allowed, and what was given."""

import math

import numpy as np
import pytest
import torch

from odeviz.engine import Event, PIDController, solve

Y0 = torch.ones(3, 2)
EITHER = (ValueError, TypeError)


def decay(t, y):
    return -y


def height(t, y):
    return y[:, 0] - 0.5


def refused(sentence, field=decay, y0=Y0, t=(0.0, 1.0), **arguments):
    with pytest.raises(EITHER, match=sentence):
        solve(field, y0, t, **arguments)


@pytest.mark.parametrize(
    "arguments", [{}, {"adjoint": "backprop"}, {"method": "adams"}, {"per_sample": True}]
)
@pytest.mark.parametrize("differentiated", [False, True])
@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (lambda y: None, "None"),
        (lambda y: 1.0, "1.0"),
        (lambda y: (y, y), "tuple"),
        (lambda y: y[:, :1], r"a \[3, 1\] tensor of float32"),
        (lambda y: y.double(), r"a \[3, 2\] tensor of float64"),
        (lambda y: y * 1j, r"a \[3, 2\] tensor of complex64"),
        (lambda y: y > 0, r"a \[3, 2\] tensor of bool"),
    ],
)
def test_what_a_field_must_return(value, shown, differentiated, arguments):
    y0 = Y0.clone().requires_grad_(differentiated)
    # The batch has more rows where each sample has its own steps.
    shown = shown.replace("3, ", r"\d+, ")
    refused(
        rf"field must return a \[\d+, 2\] tensor of float32, .*not {shown}",
        lambda t, y: value(y),
        y0,
        **arguments,
    )


def test_a_field_that_stops_returning_is_named_too():
    refused("field must return .*not None", lambda t, y: -y if t < 0.5 else None)


def test_a_complex_states_field_and_jump_return_complex_values():
    y0 = torch.ones(1, 1, dtype=torch.complex64)
    refused(
        r"field must return a \[1, 1\] tensor of complex64, .*not a \[1, 1\] tensor of float32",
        lambda t, y: y.abs(),
        y0,
    )
    event = Event(lambda t, y: y[:, 0].real - 0.5, jump=lambda t, y: y.abs())
    refused("jump must return .*complex64, .*not .*float32", y0=y0, events=[event])
    refused(r"event's function must .*\[1\], not .*complex64", y0=y0, events=[Event(lambda t, y: y[:, 0])])


@pytest.mark.parametrize("per_sample", [False, True])
@pytest.mark.parametrize(
    "value",
    [lambda y: None, lambda y: 0.5, lambda y: y[:, 0] > 0, lambda y: y[:, 0] * 1j, lambda y: y[:, :1]],
)
def test_what_an_events_function_must_return(value, per_sample):
    event = Event(lambda t, y: value(y))
    refused("an event's function must return a floating-point tensor", events=[event], per_sample=per_sample)


@pytest.mark.parametrize("per_sample", [False, True])
@pytest.mark.parametrize("value", [lambda y: None, lambda y: y.double(), lambda y: y[:1, :1], lambda y: 1.0])
def test_what_a_jump_must_return(value, per_sample):
    event = Event(height, jump=lambda t, y: value(y))
    refused("an event's jump must return a .* tensor of float32", events=[event], per_sample=per_sample)


@pytest.mark.parametrize("per_sample", [False, True])
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"events": Event(height)}, "events must be a sequence of Event objects, not Event"),
        ({"events": None}, "events must be a sequence of Event objects, not None"),
        ({"rtol": "1e-3"}, "rtol must be a finite number of at least 0, not '1e-3'"),
        ({"atol": None}, "atol must be a finite number of at least 0, not None"),
        ({"rtol": [1e-3, 1e-3]}, "rtol must be a finite number of at least 0, not list"),
        ({"atol": True}, "atol must be a finite number of at least 0, not True"),
        ({"rtol": torch.ones(2, dtype=torch.complex64)}, "rtol must hold real numbers"),
        ({"t": "01"}, "t must be a sequence of numbers or a one-dimensional tensor, not '01'"),
        ({"t": 1.0}, "t must be a sequence of numbers or a one-dimensional tensor, not 1.0"),
        ({"t": None}, "t must be a sequence of numbers or a one-dimensional tensor, not None"),
        ({"t": torch.tensor(1.0)}, r"t must (be one-dimensional|hold at least two)"),
        ({"t": ["0", "1"]}, "t must hold real numbers, not '0'"),
        ({"t": [0.0, None]}, "t must hold real numbers, not None"),
        ({"jumps": 0.5}, "jumps must be a sequence of numbers or a one-dimensional tensor, not 0.5"),
        ({"step_at": None}, "step_at must be a sequence of numbers or a one-dimensional tensor, not None"),
        ({"norm": None}, "norm must be (a function or )?one of rms, max.*, not None"),
        ({"max_step": None}, "max_step must be above min_step, 0.0, not None"),
        ({"min_step": "0"}, "min_step must be a finite number of at least 0, not '0'"),
        ({"steps": 2.5}, "steps must be a whole number of at least 1, not 2.5"),
        ({"steps": "4"}, "steps must be a whole number of at least 1, not '4'"),
        ({"steps": True}, "steps must be a whole number of at least 1, not True"),
        ({"max_steps": None}, "max_steps must be a whole number of at least 1, not None"),
        ({"first_step": "auto"}, "first_step must be a positive finite number, not 'auto'"),
        ({"dt": "0.1"}, "dt must be a positive finite number, not '0.1'"),
        ({"cancel": 3}, r"cancel must have a method is_set\(\), as threading.Event has, which 3 has not"),
        ({"on_step": 3}, r"on_step must be a callable on_step\(record\), not 3"),
        ({"dense": "yes"}, "dense must be True or False, not 'yes'"),
        ({"y0": torch.eye(2).to_sparse()}, "y0 must be a dense tensor that holds values"),
        ({"y0": torch.ones(2, 2, device="meta")}, "y0 must be .* not one on the meta device"),
        ({"y0": torch.ones(2, 2, dtype=torch.int64)}, r"y0 must be .*not a \[2, 2\] tensor of int64"),
        ({"dt": 1e-12}, r"dt must ask for at most 10000000 steps, not 1e\+12"),
        ({"dt": 5e-324}, "dt must ask for at most 10000000 steps, not inf"),
        ({"steps": 10**12}, r"steps must ask for at most 10000000 steps, not 1e\+12"),
        ({"method": None}, "method must be one of euler, .*, not None"),
        ({"method": "dopri"}, "method must be one of .*not 'dopri'; did you mean 'dopri5'"),
        ({"method": "DOPRI5"}, "; did you mean 'dopri5'"),
        ({"method": "magic"}, r"not 'magic'$"),
        ({"method": "RK45"}, "not 'RK45'; did you mean 'dopri5'"),
        ({"method": "dopri8"}, "did you mean 'dop853'"),
        ({"method": "Radau"}, "did you mean 'esdirk4'"),
        ({"method": "implicit_adams"}, "did you mean 'adams'"),
        ({"y0": Y0.half()}, r"y0 must be .*not a \[3, 2\] tensor of float16; give y0.float\(\)"),
        ({"y0": Y0[0]}, r"y0 must be .*not a \[2\] tensor of float32; y0\[None\] is a batch of one state"),
        ({"min_step": 2.0}, "min_step must be at most the length of the solve, 1, not 2, for"),
        ({"min_step": math.nan}, "min_step must be a finite number of at least 0, not nan"),
        (
            {"events": [Event(lambda y: y[:, 0])]},
            r"event's function is called as function\(t, y\), with a .*2 were",
        ),
        (
            {"events": [Event(height, jump=lambda y: y)]},
            r"event's jump is called as jump\(t, y\), with a .*2 were",
        ),
    ],
)
def test_wrong_types_are_named(arguments, sentence, per_sample):
    refused(sentence, **arguments, per_sample=per_sample)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"grid": []}, "grid must hold at least two finite times"),
        ({"grid": [0.0, 0.7, 0.3, 1.0]}, "grid must be strictly increasing or strictly decreasing"),
        ({"grid": 0.5}, "grid must be a sequence of numbers"),
        ({"per_sample": "yes"}, "per_sample must be True or False, not 'yes'"),
        ({"controller": None}, "controller must be a PIDController or one of i, pi, pid, not None"),
        ({"adjoint": "discret"}, "did you mean 'discrete'"),
        ({"norm": lambda x: x}, r"norm must return one number, not a \[6\] tensor of float32"),
        ({"norm": lambda x: None}, "norm must return one number, not None"),
        ({"norm": lambda x: math.nan}, "norm must return a number of at least 0, not nan"),
        ({"norm": lambda x: -1.0}, "norm must return a number of at least 0, not -1.0"),
    ],
)
def test_wrong_types_are_named_where_steps_are_shared(arguments, sentence):
    refused(sentence, **arguments)


def test_an_event_that_is_terminal_says_so_with_a_bool():
    with pytest.raises(TypeError, match="terminal must be True or False, not 'yes'"):
        Event(height, terminal="yes")


def test_numbers_of_other_kinds_will_do():
    plain = solve(decay, Y0, [0.0, 1.0], rtol=1e-3, atol=1e-4, max_step=0.5, first_step=0.25).y1
    other = solve(
        decay, Y0, np.array([0, 1]), rtol=torch.tensor(1e-3), atol=np.float64(1e-4), max_step=torch.tensor(0.5),
        first_step=np.float32(0.25), controller=PIDController(),
    ).y1  # fmt: skip
    torch.testing.assert_close(plain, other)
    assert solve(decay, Y0, [torch.tensor(0.0), 1], steps=np.int64(4)).stats.accepted == 4
    assert solve(decay, Y0, [0.0, 1.0], dt=torch.tensor(0.25)).stats.accepted == 4
