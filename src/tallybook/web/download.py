"""A table as a download: the answer with its file, and the links that ask for one."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

from starlette.responses import Response, StreamingResponse

from tallybook.model.sheet import Sheet
from tallybook.operations import sheets
from tallybook.web.services import Services

_CHUNK_BYTES: Final = 256 * 1024
#: What some system does not take in the name of a file.
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._-]+")


def download(
    service: Services, sheet: Sheet, kind: str, name: str, *, header: bool = True
) -> Response:
    """Answer with a table as a file; it is whole before its first byte goes out.

    Raises:
        Invalid: `format_unknown`, `number_too_long`.
    """
    file = sheets.written(sheet, kind, service.parquet, header=header)
    size = file.seek(0, 2)
    file.seek(0)
    headers = {
        "Content-Disposition": f'attachment; filename="{_NOT_IN_NAMES.sub("-", name)}.{kind}"',
        "Content-Length": str(size),
    }
    return StreamingResponse(_chunks(file), headers=headers, media_type=sheets.FORMATS[kind])


def dated(name: str, at: datetime, zone: str) -> str:
    """Return the name of a file with the local day of an instant."""
    return f"{name}-{at.astimezone(ZoneInfo(zone)).date().isoformat()}"


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
