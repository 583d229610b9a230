"""Launches a program under the system call filter of a systemd unit.

Called as a script: ``closed_launcher.py UNIT PROGRAM [ARGUMENT...]``. As with systemd, other system calls fail with
EPERM, and no memory becomes executable that was writable.
"""

import ctypes
import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

#: Of libseccomp.
ALLOW = 0x7FFF0000
FAIL = 0x00050000
#: Of prctl: memory that was written is never executed.
PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 65, 1
_FILTER = "SystemCallFilter="


def allowed_by(unit: str) -> set[str]:
    """Return the system calls that a unit's filters allow."""
    allowed = set(members("@default"))
    for line in unit.splitlines():
        if line.startswith(_FILTER):
            words = line.removeprefix(_FILTER)
            named = {call for word in words.lstrip("~").split() for call in members(word)}
            allowed = allowed - named if words.startswith("~") else allowed | named
    return allowed


def members(name: str) -> Iterator[str]:
    """Yield the system calls of a group of systemd."""
    if not name.startswith("@"):
        yield name
        return
    shown = subprocess.run(  # noqa: S603 -- our own words
        ["systemd-analyze", "syscall-filter", "--no-pager", name],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for line in shown.splitlines()[1:]:
        word = line.strip()
        if word and not word.startswith("#"):
            yield from members(word)


def close(allowed: set[str]) -> None:
    """Let this process and its children make the allowed system calls only."""
    seccomp, libc = ctypes.CDLL("libseccomp.so.2"), ctypes.CDLL(None)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(FAIL | errno.EPERM)))
    for name in sorted(allowed):
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:  # others are of another architecture
            seccomp.seccomp_rule_add(context, ctypes.c_uint32(ALLOW), number, 0)
    if libc.prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) or seccomp.seccomp_load(context):
        sys.exit("This kernel has no system call filter, or no rule for memory.")


if __name__ == "__main__":
    _, unit_file, *command = sys.argv
    close(allowed_by(Path(unit_file).read_text()))
    os.execv(command[0], command)  # noqa: S606 -- without a shell is the purpose
