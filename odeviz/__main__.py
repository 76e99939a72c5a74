"""``python -m odeviz`` is the ``odeviz`` command."""

import sys

from odeviz.cli import main

sys.exit(main())
