"""A data folder has one owner; the kernel frees it when the owner is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tallybook.model.errors import Unavailable
from tallybook.stores.folder import Folder

_OWN = (
    "import sys, time; from pathlib import Path; from tallybook.stores.folder import Folder\n"
    "folder = Folder(Path(sys.argv[1])); print('owned', flush=True); time.sleep(60)"
)


def test_a_second_owner_is_refused_at_once(tmp_path: Path) -> None:
    with Folder(tmp_path / "new") as folder:
        begin = time.monotonic()
        with pytest.raises(Unavailable) as refused:
            Folder(folder.path)
        assert time.monotonic() - begin < 2
        assert refused.value.code == "folder_in_use"
        assert str(os.getpid()) in refused.value.detail
    Folder(folder.path).close()
    folder.close()


@pytest.mark.process
def test_a_killed_owner_leaves_no_stale_lock(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _OWN, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3] / "src")},
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "owned\n"
        with pytest.raises(Unavailable, match=str(owner.pid)):
            Folder(tmp_path)
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        Folder(tmp_path).close()


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable) as refused:
        Folder(tmp_path / "file" / "sub")
    assert refused.value.code == "folder_unusable"
