"""The way to the window: what is looked for before Qt is asked, and what a user reads if it is not there."""

import ctypes
import os
import sys

import pytest

import odeviz.app
from odeviz.cli import main
from odeviz.commands import window
from odeviz.commands.window import missing_library

linux = pytest.mark.skipif(sys.platform != "linux", reason="displays and plugins of Linux")


@pytest.fixture
def opened(monkeypatch):
    """Calls that reach the window, which is not opened."""
    calls = []
    monkeypatch.setattr(odeviz.app, "run", lambda **given: calls.append(given) or 0)
    monkeypatch.setattr(odeviz.app, "screenshot", lambda *path, **given: calls.append((*path, given)) or 0)
    return calls


@pytest.fixture
def no_display(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)


def complaint(capsys, *argv):
    assert main(list(argv)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("odeviz: error: ")
    assert err.count("\n") == 1
    return err


@linux
def test_without_a_display_the_remedy_is_said(capsys, opened, no_display):
    message = complaint(capsys)
    assert "there is no display" in message
    assert "odeviz train" in message
    assert opened == []


@linux
def test_a_display_that_does_not_answer_is_named(capsys, opened, no_display, monkeypatch):
    monkeypatch.setenv("DISPLAY", ":98765")
    assert "the display ':98765' (DISPLAY) does not answer" in complaint(capsys)
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    assert "does not answer" in complaint(capsys)
    assert opened == []


@linux
def test_a_chosen_platform_needs_no_display(opened, no_display, monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert main([]) == 0
    assert opened == [{"file": None, "preset": None}]


@linux
def test_a_wayland_compositor_is_enough(opened, no_display, monkeypatch, tmp_path):
    import socket

    monkeypatch.chdir(tmp_path)  # the address of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("wayland-7")
        monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        assert main([]) == 0
    assert len(opened) == 1


@linux
def test_a_library_that_the_x11_plugin_misses_is_named(capsys, opened, no_display, monkeypatch):
    load = ctypes.CDLL

    def loader(name, *more):
        if "libqxcb" in str(name):
            raise OSError("libxcb-cursor.so.0: cannot open shared object file: No such file or directory")
        return load(name, *more)

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(window, "_x_server_answers", lambda _: True)
    monkeypatch.setattr(ctypes, "CDLL", loader)
    message = complaint(capsys)
    assert "libxcb-cursor.so.0: apt install libxcb-cursor0" in message
    assert opened == []


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ImportError("libEGL.so.1: cannot open shared object file"), "libEGL.so.1: apt install libegl1"),
        (ImportError("/lib/libEGL.so.1: file too short"), "libEGL.so.1: apt install libegl1"),
        (
            ImportError("libodd.so.3: cannot open\nshared object file"),
            "libodd.so.3: cannot open shared object",
        ),
        (ModuleNotFoundError("No module named 'PySide6'"), "PySide6 is not installed: pip install"),
    ],
)
def test_qt_that_cannot_be_imported_is_one_sentence(capsys, opened, monkeypatch, error, words):
    def fail(name):
        raise error

    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setattr(window, "import_module", fail)
    assert words in complaint(capsys)
    assert opened == []


def test_known_libraries_are_told_by_their_own_package_only():
    assert "libxkbcommon-x11-0" in missing_library("libxkbcommon-x11.so.0: cannot open")
    assert "apt install libxkbcommon0 " in missing_library("libxkbcommon.so.0: cannot open")


def test_a_file_or_a_preset_is_opened(opened, monkeypatch, tmp_path):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    path = tmp_path / "m.odeviz"
    path.touch()
    assert main([str(path)]) == 0
    assert main(["moons-density"]) == 0
    assert main(["--preset", "moons-density"]) == 0
    preset = {"file": None, "preset": "moons-density"}
    assert opened == [{"file": str(path), "preset": None}, preset, preset]


def test_an_experiments_line_is_opened_with_a_theme_and_a_size(opened, monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    line = "odeviz:moons-density?seed=3"
    assert main([line, "--theme", "dark", "--size", "1024x700"]) == 0
    assert opened == [
        {"file": None, "preset": None, "experiment": line, "theme": "dark", "size": (1024, 700)}
    ]


def test_a_screenshot_needs_no_display(opened, no_display, monkeypatch, tmp_path):
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    path = str(tmp_path / "x.png")
    argv = ["--screenshot", path, "--preset", "moons-density", "--iterations", "5", "--theme", "dark"]
    assert main([*argv, "--size", "1024x700", "--scale", "2"]) == 0
    assert os.environ["QT_QPA_PLATFORM"] == "offscreen"
    assert opened == [
        (
            path,
            {
                "file": None,
                "preset": "moons-density",
                "iterations": 5,
                "theme": "dark",
                "size": (1024, 700),
                "scale": 2.0,
            },
        )
    ]
