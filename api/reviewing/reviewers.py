"""Under which name somebody claims and decides."""

from voicewright.contracts.access import ActorKind, Identity


def reviewer(who: Identity, typed: str) -> str:
    """A name is only typed where nobody logs in."""
    if who.kind is ActorKind.LOCAL:
        return typed
    return who.name if who.kind is ActorKind.PERSON else f"token {who.name}"
