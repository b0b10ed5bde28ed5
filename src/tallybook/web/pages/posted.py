"""What a form of a page sends: its fields by name, within limits. Knows no meaning of any."""

from urllib.parse import parse_qs

from fastapi import Request

from tallybook.model.errors import TooLarge
from tallybook.web.exact import read_body


async def read_form(request: Request, *, bytes_max: int, fields_max: int) -> dict[str, str]:
    """Read a form; the last value of a name counts.

    Raises:
        TooLarge: `body_too_large`, `form_too_large`.
    """
    body = await read_body(request, bytes_max)
    try:
        found = parse_qs(
            body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=fields_max
        )
    except ValueError as e:
        raise TooLarge(
            "form_too_large",
            f"The form has more than {fields_max:,} fields; send fewer, or the document as text.",
            limit=fields_max,
        ) from e
    return {name: values[-1] for name, values in found.items()}
