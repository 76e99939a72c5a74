"""Commands as tests call them."""

import json

import pytest

from odeviz.cli import main

SMALL = ["--set", "field.width=8", "--set", "training.batch=32"]


def answer(capsys, *argv, code=0):
    """The one JSON value a command prints, and nothing else on stdout."""
    capsys.readouterr()
    assert main([*argv, "--json"]) == code
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    return json.loads(out, parse_constant=pytest.fail)
