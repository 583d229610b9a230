"""Run by Python at the start of each process that carries a planted bug; see ``tests.chaos.planted_bugs``."""

import os
import traceback

from tests.chaos.planted_bugs import PLANTS, VARIABLE

try:
    PLANTS[os.environ[VARIABLE]].plant()
except Exception:  # noqa: BLE001 -- Python would go on without the bug, and a run would prove nothing
    traceback.print_exc()
    os._exit(70)
