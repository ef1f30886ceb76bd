"""A child that dies with its parent, however the parent dies: nothing is left running after `kill -9`."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1  # prctl(2)


def die_with_parent(parent: int, wanted: int = signal.SIGTERM) -> None:
    """Ask the kernel for `wanted` when the parent ends; leave at once if it already has. Linux only, else nothing."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(wanted), 0, 0, 0)
    if os.getppid() != parent:  # the parent ended before we asked
        os.kill(os.getpid(), wanted)


def tied_to_me(wanted: int = signal.SIGTERM) -> Callable[[], None]:
    """What to pass as `preexec_fn` so that a new process dies with this one."""
    me = os.getpid()
    return lambda: die_with_parent(me, wanted)
