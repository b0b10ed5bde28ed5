"""One ClickHouse server in a process of its own: `python -m tests.cluster.node LIBRARY OPTIONS`.

The library holds the whole program; its entry point is that of the command line and runs until the
process is killed. Nothing is cleaned up then, as on a machine that loses its power to think.
"""

import ctypes
import os
import sys
import threading
import time
from collections.abc import Sequence

LISTEN = """
    SYSTEM START LISTEN TCP;
    SYSTEM START LISTEN HTTP;
    SELECT sleepEachRow(1) FROM system.numbers SETTINGS max_block_size = 1 FORMAT Null
"""
WATCH_SECONDS = 0.5


def serve(library: str, options: Sequence[str]) -> None:
    """Run ClickHouse on the ports that the options name; comes back only when it ends by itself."""
    words = [word.encode() for word in ("clickhouse", *options, f"--query={LISTEN}")]
    run = ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL).chdb_query_cmdline
    run.restype = ctypes.c_void_p
    run.argtypes = [ctypes.c_int, ctypes.POINTER(ctypes.c_char_p)]
    run(len(words), (ctypes.c_char_p * (len(words) + 1))(*words, None))


def end_with(parent: int) -> None:
    """End this process when the one that started it is gone, however it went."""
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    serve(sys.argv[1], sys.argv[2:])
    sys.exit("ClickHouse ended by itself; its log says why")
