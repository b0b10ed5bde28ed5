"""ClickHouse in the process of the tests: the same engine, statements and client as on a server."""

import atexit
import shutil
import tempfile
from functools import cache
from itertools import count

from tallybook.stores.clickhouse.address import Address, address

_databases = count(1)


def in_process() -> Address:
    """Return the address of an empty database; a process may have one folder of them open."""
    return address(url())


def url() -> str:
    """Return the setting that names an empty database, as `in_process`."""
    return f"chdb://{_folder()}?database=tallybook_{next(_databases)}"


@cache
def _folder() -> str:
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
