import subprocess
import sys

SCRIPT = """
import linecache
import sys
import odeviz.app
startup = odeviz.app.load()
app = startup.application()
desk = startup.Desk(app)
late = {"torch", "scipy", "matplotlib", "msgspec", "odeviz.app.controller"}
desk.painted.connect(lambda: print(sorted(late & set(sys.modules))))
desk.painted.connect(app.quit)
desk.window.show()
app.exec()
assert desk.clear()
print([name for name in linecache.cache if name.endswith("odeviz/app/main_window.py")])
"""


def test_the_window_is_painted_before_the_engine_figures_files_or_its_controller_are_imported():
    """And nobody reads, and keeps, the text of what is imported."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\n[]\n"
