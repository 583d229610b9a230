"""Launcher that replaces itself with a program which dies with its parent.

Run as a script by `sandbox.processes`: `child_launcher.py PARENT_PID USER PROGRAM [ARGUMENT...]`. It is a program of
its own because its work must happen between fork and exec, where a process with threads must not run Python.
"""

import ctypes
import os
import pwd
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
LINUX_CAPABILITY_VERSION_3 = 0x20080522


def main(parent_pid: int, user: str, argv: list[str]) -> None:
    """Drop to `user` unless empty, bind to the parent's life, exec."""
    if user:
        try:
            drop_root_for(user)
        except OSError as error:
            sys.exit(
                f"Root cannot become {user!r} and keep access to root's folders here ({error}): "
                "start this as an ordinary user, or grant the capabilities SETUID, SETGID and DAC_OVERRIDE."
            )
    if sys.platform == "linux":
        die_with_parent(parent_pid)
    # Python ignores SIGPIPE, and an ignored signal stays ignored across exec.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execv(argv[0], argv)  # noqa: S606 - replacing ourselves, without a shell, is the purpose


def drop_root_for(user: str) -> None:
    """Drop root for `user`, but keep access to root's folders.

    PostgreSQL refuses to run as root, while the data folder and the virtual environment are often in root's home. The
    capability to pass these folders is kept instead of opening them to everyone. Raises OSError where the system does
    not allow it.
    """
    entry = pwd.getpwnam(user)
    keeps_capability = sys.platform == "linux"
    if keeps_capability:
        prctl(PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    if keeps_capability:
        bit = 1 << CAP_DAC_OVERRIDE
        header = (ctypes.c_uint32 * 2)(LINUX_CAPABILITY_VERSION_3, 0)
        # Effective, permitted and inheritable, for capabilities 0 to 31 and then for 32 to 63.
        sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
        checked(libc().capset(header, sets), "capset")
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE)


def die_with_parent(parent_pid: int) -> None:
    """Let the kernel kill this process when the parent ends."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # it ended before the line above
        os.kill(os.getpid(), signal.SIGKILL)


def prctl(option: int, *arguments: int) -> None:
    """Call prctl with all five arguments, which stricter options require."""
    padded = [*arguments, 0, 0, 0, 0][:4]
    checked(libc().prctl(option, *map(ctypes.c_ulong, padded)), "prctl")


def libc() -> ctypes.CDLL:
    """Return the C library of this Python."""
    return ctypes.CDLL(None, use_errno=True)


def checked(result: int, call: str) -> None:
    """Raise OSError if a C call failed."""
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{call}: {os.strerror(error)}")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
