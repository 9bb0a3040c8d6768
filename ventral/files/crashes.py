"""Protection from damaged files that crash a reader written in C, or make it hang: another process reads them first."""

import faulthandler
import os
import resource
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

# Limit of the processor time for reading a file: so many seconds, plus its size over this speed.
SECONDS, BYTES_A_SECOND = 10, 10_000_000


def comes_back(read: Callable[[], object], path: str | Path) -> bool:
    """Whether a reader returns from a file, with a result or with an exception.

    Another process tries it within a time limit. Faults that raise an exception are left to the reader to report.

    Args:
        read: reads the file, or the parts of it that can crash the reader.
        path: of the file, whose size sets the limit.
    """
    limit = SECONDS + os.stat(path).st_size // BYTES_A_SECOND
    child = os.fork()
    if child == 0:
        try:
            faulthandler.disable()  # a crash is expected here, and the exit status reports it
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
            signal.signal(signal.SIGXCPU, signal.SIG_DFL)
            with suppress(Exception):
                read()
        finally:
            os._exit(0)
    return not os.WIFSIGNALED(os.waitpid(child, 0)[1])
