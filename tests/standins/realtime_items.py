"""The items of a Realtime conversation, and what a client may do to them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from standins.realtime_rules import RefusedError

Json = dict[str, Any]
Send = Callable[..., Awaitable[None]]


@dataclass
class Item:
    """What the conversation holds."""

    number: str
    shown: Json
    sent_samples: int = 0
    rate: int = 0
    truncated_ms: int | None = None

    @property
    def audio_ms(self) -> int:
        return round(self.sent_samples * 1000 / self.rate) if self.truncated_ms is None else self.truncated_ms


@dataclass(frozen=True)
class Truncation:
    item_id: str
    audio_end_ms: int
    sent_ms: int
    """What had been sent of the item by then."""


class Items:
    """In the order in which they were added; `last` is the last one's id."""

    def __init__(self, send: Send, new_id: Callable[[], str], truncations: list[Truncation]) -> None:
        self.last: str | None = None
        self._send, self._new_id, self._truncations = send, new_id, truncations
        self._kept: dict[str, Item] = {}

    @property
    def spoken(self) -> bool:
        return any(item.sent_samples for item in self._kept.values())

    async def truncate(self, event: Json) -> None:
        number, end_ms = event["item_id"], event["audio_end_ms"]
        item = self._kept.get(number)
        if item is None:
            told = f"Error truncating item: the item with id '{number}' does not exist."
            raise RefusedError(told, "item_truncate_invalid_item_id", "item_id")
        if not item.sent_samples:
            raise RefusedError("Only model output audio messages can be truncated", None)
        if event["content_index"] != 0:
            raise RefusedError("Invalid 'content_index': no such content part.", param="content_index")
        if end_ms < 0:
            told = (
                f"Invalid 'audio_end_ms': integer below minimum value. Expected a value >= 0, but got {end_ms} instead."
            )
            raise RefusedError(told, "integer_below_min_value", "audio_end_ms")
        if end_ms > item.audio_ms:
            raise RefusedError(f"Audio content of {item.audio_ms}ms is already shorter than {end_ms}ms")
        self._truncations.append(Truncation(number, end_ms, item.audio_ms))
        item.truncated_ms = end_ms
        item.shown["content"] = [{"type": "output_audio"}]
        at = {"item_id": number, "content_index": 0, "audio_end_ms": end_ms}
        await self._send("conversation.item.truncated", **at)

    async def create(self, event: Json) -> None:
        shown = event["item"]
        if shown.get("id") in self._kept:
            raise RefusedError(f"Item with id '{shown['id']}' already exists.", param="item.id")
        calls = [item.shown.get("call_id") for item in self._kept.values() if item.shown["type"] == "function_call"]
        if shown["type"] == "function_call_output" and shown["call_id"] not in calls:
            told = f"Tool call ID '{shown['call_id']}' not found in conversation."
            raise RefusedError(told, "invalid_tool_call_id", "item.call_id")
        await self.add_whole(Item(shown.get("id") or self._new_id(), dict(shown)))

    async def delete(self, event: Json) -> None:
        del self._kept[self._known(event).number]
        self.last = next(reversed(self._kept), None)
        await self._send("conversation.item.deleted", item_id=event["item_id"])

    async def retrieve(self, event: Json) -> None:
        await self._send("conversation.item.retrieved", item=self._known(event).shown)

    def _known(self, event: Json) -> Item:
        if event["item_id"] not in self._kept:
            told = f"The item with id '{event['item_id']}' does not exist."
            raise RefusedError(told, "item_not_found", "item_id")
        return self._kept[event["item_id"]]

    async def add_whole(self, item: Item) -> None:
        item.shown |= {"id": item.number, "object": "realtime.item", "status": "completed"}
        before = self.last
        await self.add(item)
        await self._send("conversation.item.done", item=item.shown, previous_item_id=before)

    async def add(self, item: Item) -> None:
        self._kept[item.number] = item
        before, self.last = self.last, item.number
        await self._send("conversation.item.added", item=item.shown, previous_item_id=before)
