"""Readers in C that damaged files can crash, or hold for ever: another process reads such files first."""

import faulthandler
import os
import resource
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

# Of processor time that reading a file may take, and more for its size.
SECONDS, BYTES_A_SECOND = 10, 10_000_000


def comes_back(read: Callable[[], object], path: str | Path) -> bool:
    """Whether a reader comes back from a file, with what it read or with an exception.

    Another process tries, with a limit on its time. What is wrong but no crash, the reader finds and names itself.

    Args:
        read: reads the file, or what of it can crash the reader.
        path: of the file, whose size sets the limit.
    """
    limit = SECONDS + os.stat(path).st_size // BYTES_A_SECOND
    child = os.fork()
    if child == 0:
        try:
            faulthandler.disable()  # the crash is expected, and told by the exit alone
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
            signal.signal(signal.SIGXCPU, signal.SIG_DFL)
            with suppress(Exception):
                read()
        finally:
            os._exit(0)
    return not os.WIFSIGNALED(os.waitpid(child, 0)[1])
