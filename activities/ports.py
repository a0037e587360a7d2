"""What the steps need from the engines. Each is small, so that a new engine is one file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from activities.audio import Audio, Samples
from activities.checks.meaning.pair import Pair
from activities.checks.meaning.sentence import Judgement
from voicewright.agent import AgentTarget
from voicewright.artifact import ArtifactRef
from voicewright.contract import Contract
from voicewright.defect import Defect, Issue
from voicewright.run import RunNotice
from voicewright.turn import Said


class ObjectStore(Protocol):
    """Blocking, thread-safe. Failures are `voicewright.s3.StoreError`."""

    def put(self, key: str, body: bytes, media_type: str) -> ArtifactRef:
        """Store, replacing."""

    def put_if_absent(self, key: str, body: bytes, media_type: str) -> ArtifactRef | None:
        """Store unless there is something already; None means that somebody was first."""

    def reference(self, key: str, body: bytes, media_type: str) -> ArtifactRef:
        """How an object of these bytes under `key` is referred to."""

    def get(self, key: str) -> bytes:
        """Read; fails where there is nothing."""

    def get_if_present(self, key: str) -> bytes | None:
        """Read, or None."""

    def get_versioned(self, key: str) -> tuple[bytes, str] | None:
        """Read with a tag of the content, or None."""

    def put_if_unchanged(self, key: str, body: bytes, media_type: str, tag: str) -> bool:
        """Replace what has that tag; False where it changed meanwhile."""

    def delete(self, key: str) -> None:
        """Remove."""

    def list_keys(self, prefix: str) -> Iterator[str]:
        """All keys with a prefix, in order."""


class SpeechEngine(Protocol):
    """Text to speech."""

    def identity(self, language: str, voice: str | None) -> str:
        """Engine, version and voice: everything besides text and speed that shapes the sound."""

    def speak(self, text: str, language: str, voice: str | None, speed: float) -> Audio:
        """Speech at the engine's own rate. Blocking.

        Raises:
            BadInputError: it has no such voice or language.
            SpeechServiceError: an online service failed.
            RateLimitedError: it wants us to wait.
        """


@dataclass(frozen=True)
class HeardWord:
    """A recognised word; times in seconds from the start of the audio given, confidence 0 to 1."""

    text: str
    start_s: float
    end_s: float
    confidence: float
    first_heard: str = ""
    """What was heard before names were known, where the spelling of a name replaced it."""


class Recogniser(Protocol):
    """Speech to text."""

    @property
    def name(self) -> str:
        """Model and version, for the record."""

    def recognise(
        self, samples: NDArray[np.float32], language: str, *, careful: bool = True, names: Sequence[str] = ()
    ) -> list[HeardWord]:
        """Words in 16 kHz mono audio of shape (n,), range -1 to 1. Blocking.

        Args:
            samples: the audio.
            language: its language.
            careful: False where a rough transcript will do, at less cost.
            names: how names that may be said are spelled.
        """

    def language_of(self, samples: NDArray[np.float32]) -> dict[str, float]:
        """Probabilities, 0 to 1, of the languages that the audio may be in, by ISO 639-1 code. Blocking.

        Hears the first 30 s of what `recognise` takes, and costs about as much as recognising a short turn. Empty
        where the model knows one language alone.
        """


class MeaningJudge(Protocol):
    """Whether answers say what was expected."""

    @property
    def name(self) -> str:
        """Version, for the record."""

    def judge(self, pairs: Sequence[Pair], risk: float | None = None) -> list[Judgement]:
        """One judgement for each pair, in order. Blocking.

        Args:
            pairs: expected and actual answers.
            risk: share of automatic verdicts that may be wrong; the installation's where it is None.
        """


class Vote(Contract):
    """One sample of a rubric's judge. `holds` is None where it could not say, or said nothing that counts."""

    holds: bool | None
    reason: str


class Ballot(Contract):
    """What a rubric's judge says of one answer, several times over."""

    judge: str
    """Model as its server named it, version of the prompt and number of samples; empty where nobody was asked."""
    votes: tuple[Vote, ...]
    samples: int = 0
    """How many votes were asked for."""
    problem: str = ""
    """Why votes are missing, in a sentence that says how to mend it."""


class RubricJudge(Protocol):
    """Somebody who holds an answer against a rubric."""

    def vote(self, rubric: str, answer: str, *, question: str | None, language: str) -> Ballot:
        """Ask several times over. Blocking. A judge that cannot be had is a `problem`, never an exception.

        Args:
            rubric: what the suite's author demands; trusted.
            answer: the agent's words; anything may stand in them.
            question: what the caller had said; None where the agent speaks first.
            language: the conversation's language.

        Raises:
            StoreError: the object store failed; worth trying again.
            UnavailableError: it was too busy to keep count of what is spent.
        """


class LineEventKind(StrEnum):
    """What a line may bring besides audio."""

    KEY = "key"
    """The agent pressed a key; `value` is the key."""
    TRANSFER = "transfer"
    """The agent hands the call on; `value` is where to."""
    ANSWER = "answer"
    """The agent's words as its protocol has them; `value` is the text, `data` what else it said of it."""
    NOTE = "note"
    """Anything else worth keeping: ringing, what answered."""


@dataclass(frozen=True)
class LineEvent:
    """Something that came at `at_s` on the monotonic clock."""

    kind: LineEventKind
    value: str
    at_s: float
    data: dict[str, Any] | None = None


@dataclass(frozen=True)
class MediaStats:
    """How the network treated the audio, as far as the channel can know."""

    received: int = 0
    lost: int = 0
    jitter_ms: float = 0.0
    codec: str = ""


class Line(Protocol):
    """A live call. Time is counted in frames of `FRAME_MS`; nothing here waits for the far end to speak.

    Channels derive from `activities.telephony.line.PlainLine`, which says what most of them do.
    """

    @property
    def rate_hz(self) -> int:
        """Rate of the samples both ways; 8000 or 16000."""

    @property
    def hung_up(self) -> str | None:
        """Why the far end ended the call, once it has; None while it is up."""

    async def send(self, frame: Samples) -> Samples:
        """Send one frame of caller audio; returns it as the codec left it, for the recording.

        Raises:
            LineDiedError: the connection is broken.
        """

    @property
    def early_frames(self) -> int:
        """How many frames of speech may be given to `send_early` before they are due; 0 where time is kept by us."""

    async def send_early(self, frame: Samples) -> Samples:
        """Send a frame that is not due yet: the line lets it leave after those before it. See `send`.

        Raises:
            LineDiedError: the connection is broken.
        """

    def receive(self) -> Samples:
        """The frame of agent audio that a telephone would play now; silence where there is none."""

    def heard(self, began_s: float, samples: int) -> Samples | None:
        """The agent's side as it arrived, laid out on the call's clock; None where that is what `receive` gave."""

    @property
    def sending_delay_s(self) -> float:
        """How much later than it was given to `send` a frame leaves this machine."""

    @property
    def sends_keys(self) -> bool:
        """Whether keys travel as events; if not, they are pressed as tones in the audio."""

    async def press(self, key: str) -> None:
        """Press a key by event.

        Raises:
            LineDiedError: the connection is broken.
        """

    def events(self) -> list[LineEvent]:
        """What came besides audio since the last time this was asked."""

    def stats(self) -> MediaStats | None:
        """What is known of the network; None where there is nothing to know."""

    @property
    def takes_text(self) -> bool:
        """Whether the caller's words go over it in writing, and are not spoken."""

    async def turn_begins(self, text: str | None) -> None:
        """The caller is about to say `text`."""

    async def turn_over(self) -> None:
        """The caller has said all that there is to say in this turn."""

    async def hang_up(self) -> None:
        """End the call from our side; harmless when it is over already."""

    async def recordings(self) -> dict[str, bytes]:
        """What the channel recorded by itself, by file name; asked for after the call."""


class LiveEars(Protocol):
    """Understands the agent while the call goes on, for scripts that depend on its words."""

    async def understand(self, samples: Samples, rate_hz: int) -> str:
        """The words in a stretch of the agent's side."""

    async def holds(self, said: Said, text: str) -> bool:
        """Whether words fit a condition of the suite."""


class Dialler(Protocol):
    """A way to reach agents of one channel."""

    @property
    def redials(self) -> bool:
        """Whether a call of unknown fate may be dialled again: nobody's telephone rings twice by that."""

    async def dial(self, target: AgentTarget, *, call_id: str, caller_id: str = "", language: str = "en") -> Line:
        """Set up a call.

        Args:
            target: whom to call.
            call_id: names the call in the agent's logs, where the channel can say it.
            caller_id: the number that was reserved for it, on channels that have any.
            language: in which the caller will speak.

        Raises:
            LineError: no connection; worth another try.
            BadInputError: the far end refused us for good, or the target makes no sense.
        """


class Encoder(Protocol):
    """Makes recordings small."""

    def mp3(self, wav: bytes) -> bytes:
        """A WAV file as MP3, channels kept. Blocking.

        Raises:
            InstallationError: the program that encodes is missing.
        """


class IssueTracker(Protocol):
    """An outside tracker. Blocking. Raises `UnavailableError` and `InstallationError`."""

    def find(self, defect_id: str) -> Issue | None:
        """The issue that was made for a defect, if there is one."""

    def create(self, defect: Defect, text: str) -> Issue:
        """Make an issue that `find` finds."""

    def comments(self, issue: Issue) -> list[str]:
        """Texts of the newest comments, and of the description."""

    def comment(self, issue: Issue, text: str) -> None:
        """Add a comment."""

    def is_done(self, issue: Issue) -> bool:
        """Whether people there consider it done."""

    def move(self, issue: Issue, *, done: bool) -> None:
        """Close or reopen."""


class Notifier(Protocol):
    """Somebody who wants to know. Blocking. Raises `UnavailableError` and `InstallationError`."""

    def tell(self, notice: RunNotice) -> None:
        """Say how a run stands, or bring up to date what was said."""


FRAME_MS = 20
"""Length of a frame of audio on the line, as in RTP's and Media Streams' common packet time."""
