"""The garbage collector of a process that runs for long."""

import gc


def exempt_startup_objects() -> None:
    """Exempt all present objects from garbage collection.

    What a process builds while it starts lives until its end. Without this, each full collection looks at all of it
    again: loading a large order took 13 ms of CPU instead of 8.
    """
    gc.collect()
    gc.freeze()
