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
def tell(answer):
    print(answer.request.kind, "torch" in sys.modules)
    if answer.request.kind == "flow":
        app.quit()
desk.controller.service.answered.connect(tell)
app.exec()
assert desk.clear()
print([name for name in linecache.cache if name.endswith("odeviz/app/main_window.py")])
"""


def test_the_window_is_painted_before_the_engine_figures_files_or_its_controller_are_imported():
    """And its first flow is seen before the engine; nobody reads, and keeps, the text of what is imported."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\nscene False\nflow False\n[]\n"
