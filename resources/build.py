"""Train the models that odeviz ships, each by the command a user would type.

python resources/build.py [PRESET ...]      all presets by default; seed 0
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from odeviz.tasks.presets import PRESETS

MODELS = Path(__file__).parent / "models"


def main(names: list[str]) -> int:
    """Rebuild the named presets' models, one after the other; the exit code of the first that fails."""
    unknown = [name for name in names if name not in PRESETS]
    if unknown:
        print(f"there is no preset {unknown[0]!r}; the presets are {', '.join(PRESETS)}", file=sys.stderr)
        return 2
    MODELS.mkdir(exist_ok=True)
    for name in names or PRESETS:
        command = ["odeviz", "train", name, "--seed", "0", "--out", str(MODELS / f"{name}.odeviz"), "--json"]
        print("$", *command[:5], flush=True)
        code = subprocess.call([sys.executable, "-m", *command])
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
