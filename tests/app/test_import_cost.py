import subprocess
import sys

SCRIPT = """
import sys
import odeviz.app
startup = odeviz.app.load()
app = startup.application()
desk = startup.Desk(app)
desk.painted.connect(app.quit)
desk.window.show()
app.exec()
heavy = {"torch", "scipy", "matplotlib"} & set(sys.modules)
assert desk.clear()
print(sorted(heavy))
"""


def test_the_window_is_painted_before_torch_scipy_or_matplotlib_are_imported():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\n"
