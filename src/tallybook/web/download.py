"""A table as a download: the answer with its file, and the links that ask for one."""

from collections.abc import Iterator
from typing import BinaryIO, Final

from starlette.responses import Response, StreamingResponse

from tallybook.model.sheet import Sheet
from tallybook.operations import sheets
from tallybook.web.services import Services

_CHUNK_BYTES: Final = 256 * 1024


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
        "Content-Disposition": f'attachment; filename="{sheets.file_name(name, kind)}"',
        "Content-Length": str(size),
    }
    return StreamingResponse(_chunks(file), headers=headers, media_type=sheets.FORMATS[kind])


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
