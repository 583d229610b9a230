"""When processes collect garbage.

What is imported and built at the start lives until the end; looking at all of it again and again is wasted.
"""

import gc

_USUAL_THRESHOLDS = gc.get_threshold()

#: Garbage is collected only after this many more objects exist; importing a command creates 100,000 to 200,000.
_OBJECTS_OF_A_START = 250_000


def collect_rarely() -> None:
    """Let a command start with few collections.

    They took a tenth of its CPU.
    """
    gc.set_threshold(_OBJECTS_OF_A_START)


def exempt_startup_objects() -> None:
    """Exempt all present objects from garbage collection; collect others as usual.

    Without this, each full collection of a server looks at them again: loading a large order took 13 ms of CPU instead
    of 8.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_USUAL_THRESHOLDS)


def leave_garbage() -> None:
    """Let a process end without a last collection.

    That took a fifth of a short command's CPU.
    """
    gc.freeze()
