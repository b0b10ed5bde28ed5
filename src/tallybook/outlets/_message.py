"""A delivery as an Internet message. Its bytes are the same for each attempt: one Message-ID, the
date on which it was decided. Who gets it is said to the server, and is not decided here.
"""

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from typing import Final

from tallybook.model.delivery import Delivery
from tallybook.model.errors import Unavailable
from tallybook.model.nouns import EMAIL_PATTERN

_ADDRESS: Final = re.compile(EMAIL_PATTERN)
#: A path of the pages in our own HTML; in its text a quotation mark is escaped.
_PATH: Final = re.compile(r'(?<=\shref=")/(?!/)')


def is_address(text: str) -> bool:
    """Tell whether mail can be sent to this address."""
    return _ADDRESS.fullmatch(text) is not None


def sender_of(text: str) -> Address:
    """Read who mail is from, with or without a name.

    Raises:
        Unavailable: `mail_from_wrong`.
    """
    name, address = parseaddr(text)
    if not is_address(address):
        raise Unavailable(
            "mail_from_wrong",
            "TALLYBOOK_MAIL_FROM is an address, such as Tallybook <tallybook@example.com>.",
        )
    return Address(name, addr_spec=address)


def message(delivery: Delivery, sender: Address, site: str) -> bytes:
    """Return a delivery as it goes over the wire; `site` is where the pages are."""
    made = EmailMessage(policy=SMTP)
    made["From"] = sender
    made["To"] = _named(delivery.recipients) or "undisclosed-recipients:;"
    if copied := _named(delivery.cc):
        made["Cc"] = copied
    made["Subject"] = _line(delivery.subject)
    made["Date"] = delivery.created_at
    made["Message-ID"] = f"<{delivery.id}@{sender.domain}>"
    made["Auto-Submitted"] = "auto-generated"
    text = _text(delivery.body)
    made.set_content(f"{text}\n\n{site}{delivery.link}\n" if delivery.link else f"{text}\n")
    if delivery.html is not None:
        made.add_alternative(_PATH.sub(f"{site}/", _text(delivery.html)), subtype="html")
    if (file := delivery.attachment) is not None:
        main, _, sub = file.media_type.partition(";")[0].partition("/")
        made.add_attachment(file.content, maintype=main, subtype=sub, filename=file.name)
    # The library would draw what parts them anew each time.
    for number, part in enumerate(one for one in made.walk() if one.is_multipart()):
        part.set_boundary(f"=={delivery.id}.{number}==")
    return made.as_bytes()


def _named(addresses: tuple[str, ...]) -> tuple[Address, ...]:
    return tuple(Address(addr_spec=one) for one in addresses if is_address(one))


def _line(text: str) -> str:
    """Return a text as a header may hold it: nothing in it ends a line, or cannot be shown."""
    shown = "".join(c if c.isprintable() else " " for c in _text(text))
    return " ".join(shown.split())


def _text(text: str) -> str:
    """Return a text as it can be written: half of a character that has two is none."""
    return text.encode("utf-8", "replace").decode()
