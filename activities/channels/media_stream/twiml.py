"""TwiML that an agent gives its call: what becomes of the call by it."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from enum import StrEnum

MAX_TWIML = 64_000
"""Characters of a document."""
_SHOWN = 200
_HANDS_ON = {"Dial", "Enqueue", "Refer"}
_HANGS_UP = {"Hangup", "Reject", "Leave"}
_GOES_ON = {"Redirect", "Connect", "Gather", "Record", "Pay", "Prompt"}
"""Verbs after which the call goes on with somebody or something else, for as long as they last."""


class TwimlError(ValueError):
    """What Twilio would not take either, in a sentence."""


class Fate(StrEnum):
    """What becomes of a call by its TwiML."""

    ENDS = "ends"
    HANDED_ON = "handed_on"
    GOES_ON = "goes_on"
    REDIRECTED = "redirected"


@dataclass(frozen=True)
class Becomes:
    """What becomes of a call: `where` it is handed on to or redirected to, or with what it goes on."""

    fate: Fate
    where: str = ""


def becomes(twiml: str) -> Becomes:
    """What a document makes of a call. Its verbs are carried out in order; after the last one the call ends.

    Raises:
        TwimlError: it is none.
    """
    if len(twiml) > MAX_TWIML or "<!DOCTYPE" in twiml or "<!ENTITY" in twiml:
        raise TwimlError("this is too long for TwiML, or declares types")
    try:
        document = ET.fromstring(twiml)  # noqa: S314 - nothing that expands is let in
    except ET.ParseError as error:
        raise TwimlError(f"this is no XML: {error}") from None
    if document.tag != "Response":
        raise TwimlError(f"TwiML begins with <Response>, not <{document.tag[:_SHOWN]}>")
    for verb in document:
        said = "".join(verb.itertext()).strip()
        if verb.tag in _HANGS_UP:
            break
        if verb.tag in _HANDS_ON:
            return Becomes(Fate.HANDED_ON, said or verb.tag.lower())
        if verb.tag == "Redirect" and said:
            return Becomes(Fate.REDIRECTED, said)
        if verb.tag in _GOES_ON:
            noun = f" <{verb[0].tag[:_SHOWN]}>" if len(verb) else ""
            return Becomes(Fate.GOES_ON, f"<{verb.tag}>{noun}")
    return Becomes(Fate.ENDS)
