"""Why there is no call, decided once, where the stack's own errors are at hand.

Texts are looked at only where the stack has nothing better: a call that it gave up without a SIP answer.
"""

import re

from baresip import BaresipError, NoLocalAddressError, RegistrationError

from activities.channels.sip.dialog import Message
from activities.channels.sip.messages import Failed, Refusal
from activities.retry_after import retry_after_s

_BUSY = {486, 600}
_NO_ANSWER = {408, 480, 487}
_LATER = {500, 502, 503, 504}
_BAD_REQUEST = 400
_MOVED = range(300, 400)
_CONTACT = re.compile(r"<\s*((?:sips?|tel):[^\s<>\"]+)|(?:^|,)\s*((?:sips?|tel):[^\s;,<>\"]+)", re.IGNORECASE)
_MOST_CONTACTS, _LONGEST = 5, 200
_SECONDS = re.compile(r"\s*(\d{1,10})\s*(?:[;(]|$)")


def by_status(status: int, reason: str) -> Failed:
    """A final SIP answer to an INVITE or a REGISTER."""
    why = Refusal.FOR_GOOD
    if status in _BUSY:
        why = Refusal.BUSY
    elif status in _NO_ANSWER:
        why = Refusal.NO_ANSWER
    elif status in _LATER:
        why = Refusal.LATER
    elif status in _MOVED:
        why = Refusal.MOVED
    return Failed(why=why, status=status, reason=reason)


def by_closing(text: str, answer: Message | None = None, *, was_answered: bool = False) -> Failed:
    """The text with which the stack ends a call that never came up: `486 Busy Here`, or words of its own.

    Args:
        text: the stack's.
        answer: the final answer that refused the call, where one was seen.
        was_answered: whether the far end took the call: then somebody was rung, whatever became of it.
    """
    status, _, reason = text.partition(" ")
    if was_answered:
        return Failed(why=Refusal.UNUSABLE, reason=text)
    if status.isdigit():
        failed = by_status(int(status), reason)
        return failed if answer is None else failed.model_copy(update=_told_by(answer))
    # Of its own words, those for a demand that the two sides do not share are final; the rest are the network's.
    return Failed(why=Refusal.FOR_GOOD if "requires" in text else Refusal.UNREACHABLE, reason=text)


def by_error(error: BaresipError | ValueError) -> Failed:
    """What the stack raised instead of calling."""
    if isinstance(error, RegistrationError):
        said = f"registration failed: {error.reason or error}"
        if error.status is not None:
            return by_status(error.status, said)
        return Failed(why=Refusal.UNREACHABLE, reason=said)
    if isinstance(error, NoLocalAddressError):
        return Failed(why=Refusal.NO_ROUTE, reason=str(error))
    if isinstance(error, ValueError):  # something in the suite that no request can carry
        return by_status(_BAD_REQUEST, str(error))
    return Failed(why=Refusal.UNREACHABLE, reason=str(error))


def by_time(ring_s: int, *, rang: bool) -> Failed:
    """Nobody answered within the time that it may ring."""
    if rang:
        return Failed(why=Refusal.NO_ANSWER, status=408, reason=f"it rang for {ring_s} s")
    return Failed(why=Refusal.UNREACHABLE, reason=f"no reply for {ring_s} s")


def _told_by(answer: Message) -> dict[str, object]:
    """What a refusal says besides its status: where else to call, and when again (RFC 3261, 20.10 and 20.33)."""
    told: dict[str, object] = {}
    seconds = _SECONDS.match(answer.get("retry-after"))
    if seconds is not None:
        told["retry_after_s"] = retry_after_s({"Retry-After": seconds[1]})
    contacts = [one or other for value in answer.headers.get("contact", []) for one, other in _CONTACT.findall(value)]
    status = answer.first.split(" ")[1]
    if contacts and int(status) in _MOVED:
        told["moved_to"] = tuple(contact[:_LONGEST] for contact in contacts[:_MOST_CONTACTS])
    return told
