#!/usr/bin/env bash
# The tests of a real window, on a screen and under a window manager of their own. Where one of the programs is missing
# it says so and is done.
set -euo pipefail
cd "$(dirname "$0")/.."

for program in Xvfb openbox xdotool; do
  command -v "$program" >/dev/null || { echo "Skipped: the tests of a real window need $program."; exit 0; }
done
plugins=$(python -c 'from PySide6.QtCore import QLibraryInfo as I; print(I.path(I.LibraryPath.PluginsPath))')
if ldd "$plugins/platforms/libqxcb.so" |
  grep -q "not found"; then
  echo "Skipped: the tests of a real window need the X libraries of Qt (libxcb-cursor0 and others)."
  exit 0
fi

exec 3< <(exec Xvfb -displayfd 1 -screen 0 1440x1000x24 -nolisten tcp 2>/dev/null)
screen=$!
manager=
trap 'kill $manager "$screen" 2>/dev/null || true' EXIT
read -r -t 20 number <&3 || { echo "Skipped: Xvfb does not start."; exit 0; }
export DISPLAY=":$number" QT_QPA_PLATFORM=xcb
openbox --sm-disable >/dev/null 2>&1 &
manager=$!
timeout 180 python -m pytest -q -n 0 tests/app/test_real_*.py "$@"
