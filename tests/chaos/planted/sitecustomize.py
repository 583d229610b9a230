"""Plant a bug at the start of a process, as Python's ``sitecustomize``.

See ``tests.chaos.planted_bugs``.
"""

import os
import traceback

from tests.chaos.planted_bugs import PLANTS, VARIABLE

try:
    PLANTS[os.environ[VARIABLE]].plant()
except Exception:  # noqa: BLE001 -- Python would start without the bug, and a run would prove nothing
    traceback.print_exc()
    os._exit(70)
