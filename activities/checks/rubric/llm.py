"""A large language model behind any OpenAI-compatible endpoint, asked several times whether an answer meets a rubric.

Whatever goes wrong with it costs a vote and never the case: a rubric without votes is for a person. What was voted is
stored by question and answer, so that a step that is repeated asks nobody twice.
"""

import hashlib
import json
import logging
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Any

from openai import APIConnectionError, APIStatusError, APITimeoutError, OpenAI
from pydantic import BaseModel, Field, ValidationError

from activities.checks.rubric.prompt import MAX_ANSWER, PROMPT_VERSION, RESPONSE_FORMAT, messages, read_reply
from activities.checks.rubric.token_budget import TokenBudget
from activities.ports.judging import Ballot, Vote
from activities.retry_after import retry_after_s
from voicewright.settings import Settings
from voicewright.store.errors import StoreError
from voicewright.store.port import ObjectStore

_REPLY_TOKENS = 1_000
_OVERHEAD_TOKENS = 400
"""For the schema and the chat template."""
_PATIENCE_S = 20.0
"""How long a vote waits in all for a service that is busy or away."""
_REST_S = 60.0
"""How long nobody is asked after the service did not answer: ten rubrics must not wait ten times."""
_BUSY = {408, 409, 429}
_SERVER = 500
_LASTING = {401, 403, 404}
"""Answers that no other request would change; a 400 may be about this one's words (content filters)."""
_log = logging.getLogger(__name__)


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    total_tokens: int = Field(ge=0)


class _Completion(BaseModel):
    """The part of a chat completion that we read."""

    model: str = ""
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


@dataclass(frozen=True)
class _Sample:
    """One request: a vote or a problem. `tokens` is None where the server did not say what it cost."""

    vote: Vote | None = None
    model: str = ""
    tokens: int | None = None
    problem: str = ""


class _NoAnswerError(Exception):
    """The request came to nothing; its text says why. `lasting`: the next one will, too."""

    def __init__(self, problem: str, *, lasting: bool = False, spent: bool = False) -> None:
        super().__init__(problem)
        self.lasting = lasting
        self.spent = spent


class LlmJudge:
    """`RubricJudge`. Thread-safe."""

    def __init__(
        self, store: ObjectStore, *, url: str, model: str, key: str, samples: int, timeout_s: float, tokens_per_day: int
    ) -> None:
        self._store = store
        self._url = url
        self._model = model
        self._samples = samples
        self._timeout_s = timeout_s
        self._budget = TokenBudget(store, tokens_per_day)
        self._client = OpenAI(base_url=url, api_key=key, timeout=timeout_s, max_retries=0)
        self._lock = Lock()
        self._rest_until = 0.0
        self._rest_because = ""

    def vote(self, rubric: str, answer: str, *, question: str | None, language: str) -> Ballot:
        """See `RubricJudge`."""
        if len(answer) > MAX_ANSWER:
            problem = f"the answer has {len(answer)} characters; at most {MAX_ANSWER} are given to an LLM"
            return Ballot(judge="", votes=(), problem=problem)
        asked = (self._url, self._model, PROMPT_VERSION, self._samples, rubric, answer, question, language)
        key = f"llm/votes/{hashlib.sha256(json.dumps(asked).encode()).hexdigest()}.json"
        if (known := self._store.get_if_present(key)) is not None:
            return Ballot.model_validate_json(known)
        if resting := self._resting():
            return Ballot(judge="", votes=(), problem=resting)
        ballot = self._ask(rubric, answer, question, language)
        if not ballot.problem:
            self._store.put_if_absent(key, ballot.model_dump_json().encode(), "application/json")
        return ballot

    def _ask(self, rubric: str, answer: str, question: str | None, language: str) -> Ballot:
        chats = [messages(rubric, answer, question=question, language=language) for _ in range(self._samples)]
        # A token is at least one byte, so this is never too little; what was not needed is given back.
        most = [
            sum(len(part["content"].encode()) for part in chat) + _OVERHEAD_TOKENS + _REPLY_TOKENS for chat in chats
        ]
        reservation = self._budget.reserve(sum(most))
        if reservation is None:
            problem = f"today's {self._budget.per_day} tokens for the LLM are spent: see VOICEWRIGHT_LLM_TOKENS_PER_DAY"
            return Ballot(judge="", votes=(), problem=problem)
        with ThreadPoolExecutor(self._samples) as pool:
            samples = list(pool.map(self._sample, chats))
        used = sum(one.tokens if one.tokens is not None else most[at] for at, one in enumerate(samples))
        try:
            self._budget.charge(reservation, used)
        except StoreError as error:
            _log.warning("tokens of an LLM stay reserved: %s", error)
        return self._ballot(samples)

    def _ballot(self, samples: Sequence[_Sample]) -> Ballot:
        models = sorted({one.model for one in samples if one.model})
        judge = f"{' + '.join(models) or self._model}, rubric prompt {PROMPT_VERSION}, {self._samples} samples"
        votes = tuple(one.vote for one in samples if one.vote is not None)
        problem = next((one.problem for one in samples if one.problem), "")
        return Ballot(judge=judge if models else "", votes=votes, samples=len(samples), problem=problem)

    def _sample(self, chat: list[dict[str, str]]) -> _Sample:
        try:
            body = self._completion(chat)
        except _NoAnswerError as error:
            if error.lasting:
                self._rest(str(error))
            return _Sample(tokens=None if error.spent else 0, problem=str(error))
        try:
            completion = _Completion.model_validate_json(body)
        except ValidationError:
            return _Sample(problem=f"{self._url} did not answer with a chat completion; check VOICEWRIGHT_LLM_URL")
        [choice, *_] = completion.choices
        tokens = completion.usage.total_tokens if completion.usage is not None else None
        model = completion.model or self._model
        vote = read_reply(choice.message.content or "") if choice.finish_reason != "length" else None
        return _Sample(vote, model, tokens, "" if vote is not None else _no_vote(choice))

    def _completion(self, chat: Any) -> bytes:  # noqa: ANN401 - the SDK's message types are a union of twenty
        give_up = time.monotonic() + _PATIENCE_S
        attempt = 0
        while True:
            wait = 2.0**attempt * random.uniform(0.5, 1)  # noqa: S311 - only to fall out of step with others
            attempt += 1
            try:
                raw = self._client.chat.completions.with_raw_response.create(  # type: ignore[call-overload]
                    model=self._model,
                    messages=chat,
                    max_completion_tokens=_REPLY_TOKENS,
                    response_format=RESPONSE_FORMAT,
                )
            except APITimeoutError:
                # The server may have done the work: counted as spent, and not asked for again.
                problem = f"the LLM did not answer within {self._timeout_s:g} s (VOICEWRIGHT_LLM_TIMEOUT_S)"
                raise _NoAnswerError(problem, lasting=True, spent=True) from None
            except APIConnectionError as error:
                problem = f"the LLM at {self._url} cannot be reached: {error.__cause__ or error}"
            except APIStatusError as error:
                problem = _refusal(error)
                no_quota = error.code == "insufficient_quota"
                if (error.status_code not in _BUSY and error.status_code < _SERVER) or no_quota:
                    raise _NoAnswerError(problem, lasting=no_quota or error.status_code in _LASTING) from None
                wait = retry_after_s(error.response.headers) or wait
            else:
                return bytes(raw.http_response.content)
            if time.monotonic() + wait > give_up:
                raise _NoAnswerError(problem, lasting=True)
            time.sleep(wait)

    def _resting(self) -> str:
        with self._lock:
            return f"{self._rest_because}; asked again in a minute" if time.monotonic() < self._rest_until else ""

    def _rest(self, because: str) -> None:
        with self._lock:
            self._rest_until, self._rest_because = time.monotonic() + _REST_S, because


class NoJudge:
    """`RubricJudge` of an installation that has none."""

    def __init__(self, missing: Sequence[str]) -> None:
        self._missing = " and ".join(missing)

    def vote(self, rubric: str, answer: str, *, question: str | None, language: str) -> Ballot:  # noqa: ARG002
        """See `RubricJudge`."""
        return Ballot(judge="", votes=(), problem=f"no LLM is set up to judge it: {self._missing} not set")


def rubric_judge(settings: Settings, store: ObjectStore) -> LlmJudge | NoJudge:
    """The judge that the settings name."""
    if settings.llm_url is None or settings.llm_model is None:
        return NoJudge(settings.llm_missing)
    return LlmJudge(
        store,
        url=settings.llm_url,
        model=settings.llm_model,
        # The SDK insists on a key; endpoints that want none ignore it.
        key=settings.llm_key.get_secret_value() if settings.llm_key is not None else "none",
        samples=settings.llm_samples,
        timeout_s=settings.llm_timeout_s,
        tokens_per_day=settings.llm_tokens_per_day,
    )


def _no_vote(choice: _Choice) -> str:
    if choice.message.refusal:
        return f"the LLM refused to judge: {choice.message.refusal[:200]}"
    if choice.finish_reason == "length":
        return f"the LLM needed more than {_REPLY_TOKENS} tokens: choose a model that reasons less"
    return "the LLM's reply is not in the schema: choose an endpoint and a model with structured output (json_schema)"


def _refusal(error: APIStatusError) -> str:
    """Never the server's own words: some repeat the key."""
    code = f" ({error.code})" if error.code else ""
    mend = {
        401: "check VOICEWRIGHT_LLM_KEY",
        403: "check what VOICEWRIGHT_LLM_KEY may do",
        404: "check VOICEWRIGHT_LLM_URL and VOICEWRIGHT_LLM_MODEL",
        400: "it must take `response_format` with `json_schema` and `max_completion_tokens`",
        429: "it is busy, or the account has no quota left",
    }.get(error.status_code, "see its status page" if error.status_code >= _SERVER else "see its documentation")
    return f"the LLM's endpoint answered HTTP {error.status_code}{code}: {mend}"
