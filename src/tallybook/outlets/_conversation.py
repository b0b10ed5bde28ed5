"""How a mail is handed to a server, and what its answers mean for each address. Opens and closes no
connection.
"""

import smtplib
from typing import Final

from tallybook.model.delivery import Delivery, Outcome
from tallybook.outlets._message import is_address
from tallybook.outlets._peer import words

#: Answers from here on are for now, and from `_FINAL` on for good.
_REFUSED: Final = 400
_FINAL: Final = 500
_CLOSING: Final = 421


def hand_over(client: smtplib.SMTP, sender: str, delivery: Delivery, text: bytes) -> Outcome:
    """Hand a mail over to all who have not had it, and return what the server says.

    An answer about us, such as a sender it does not know, is tried again, as it says nothing of the
    mail; one about an address or the mail counts as it is meant.

    Raises:
        OSError: the connection was lost; the server may have taken the mail all the same.
    """
    client.ehlo_or_helo_if_needed()
    code, said = _heard(client.mail(sender))
    if code >= _REFUSED:
        client.rset()
        return Outcome("failed", f"the mail server takes no mail from us: {code} {said}")
    left = [address for address in delivery.addresses if address not in delivery.reached]
    answers = {address: _named(client, address) for address in left}
    taken = tuple(address for address, (code, _) in answers.items() if code < _REFUSED)
    if not taken:
        client.rset()
        return _outcome(taken, answers)
    code, said = _data(client, text)
    if code >= _REFUSED:
        answers |= dict.fromkeys(taken, (code, said))
        taken = ()
    return _outcome(taken, answers)


def why(error: Exception) -> str:
    """Return what went wrong with a server as one short line."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {words(error.smtp_error)}"
    return words(error) or type(error).__name__


def _named(client: smtplib.SMTP, address: str) -> tuple[int, str]:
    if not is_address(address):
        return _FINAL, "mail cannot be sent to this address"
    return _heard(client.rcpt(address))


def _data(client: smtplib.SMTP, text: bytes) -> tuple[int, str]:
    try:
        return _heard(client.data(text))
    except smtplib.SMTPDataError as e:  # it would not even begin
        answer = _heard((e.smtp_code, e.smtp_error))
        client.rset()
        return answer


def _heard(answer: tuple[int, bytes | str]) -> tuple[int, str]:
    """Return an answer with its words made short.

    Raises:
        SMTPServerDisconnected: it is the last of this connection, or none at all.
    """
    code, said = answer
    if code == _CLOSING or code not in range(200, 600):
        raise smtplib.SMTPServerDisconnected(f"{code} {words(said)}")
    return code, words(said)


def _outcome(taken: tuple[str, ...], answers: dict[str, tuple[int, str]]) -> Outcome:
    missed = {address: answer for address, answer in answers.items() if address not in taken}
    if not missed:
        return Outcome("sent", reached=taken)
    told = words("; ".join(f"{name}: {code} {said}" for name, (code, said) in missed.items()))
    is_final = all(code >= _FINAL for code, _ in missed.values())
    return Outcome("dead" if is_final else "failed", told, reached=taken)
