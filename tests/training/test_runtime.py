"""The device that is taken, and the sentence that says why."""

from __future__ import annotations

import pytest
import torch

from odeviz.training import runtime


def test_auto_takes_the_cpu_and_says_why():
    chosen = runtime.choose("auto")
    assert chosen.device == torch.device("cpu")
    assert "CPU" in chosen.reason
    assert "fields this small" in chosen.reason


def test_auto_names_the_accelerators_that_can_be_chosen(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    chosen = runtime.choose("auto")
    assert chosen.device == torch.device("cpu")
    assert "cuda can be chosen" in chosen.reason
    assert runtime.choose("cuda").device.type == "cuda"


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_missing_device_gets_one_sentence(monkeypatch, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match=rf"^device must be auto or cpu here: [^\n]*{device.upper()}[^\n]*$"):
        runtime.choose(device)


def test_unknown_device_gets_the_names():
    with pytest.raises(ValueError, match="one of auto, cpu, cuda, mps, not 'gpu'"):
        runtime.choose("gpu")


def test_one_thread_is_given_back():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with runtime.one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
