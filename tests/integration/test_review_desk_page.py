"""The review desk in a browser: people who are logged in take cases from the queue, decide, disagree, and are told."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from browsing import needs_browser, picture
from fakes import Steps
from listening import listening
from playwright.async_api import Browser, Page, expect
from pydantic import SecretStr
from serving import serving, unique
from standins.s3_server import S3Server
from temporalio import activity
from temporalio.client import Client
from test_gate import call

from activities.audio.pcm import wav_bytes
from activities.steps.validate import ValidateStep
from activities.suites import SuiteLibrary
from api.app import create_app
from api.services import Access, Services
from voicewright.client import Voicewright
from voicewright.client.reviews import ReviewFilter
from voicewright.contracts.access import AuditAction, Role, local_user
from voicewright.contracts.call import CallSummary
from voicewright.contracts.case import Outcome, SuiteRef
from voicewright.contracts.review import ReviewPolicy
from voicewright.contracts.run import RunRequest
from voicewright.contracts.steps import CallRequest, TranscribeRequest, ValidateRequest
from voicewright.contracts.transcript import TranscriptSummary, Word
from voicewright.contracts.verdict import Decision, VerdictSummary
from voicewright.judge import MeaningJudge
from voicewright.records import Records, open_database, upgrade
from voicewright.settings import Settings
from voicewright.store.s3 import S3Store
from voicewright.suite.library import push
from voicewright.suite.reading.file import parse_suite

PASSWORD = "correct horse battery"
SUITE_TEXT = """suite: NAME
agent: {channel: media_stream, url: ws://127.0.0.1:1/}
cases:
  - id: c0
    turns:
      - say: please book an appointment
        expect: {contains: [booked]}
"""
PEOPLE = {"ann": Role.VALIDATOR, "bob": Role.VALIDATOR, "lea": Role.QA_LEAD, "vic": Role.VIEWER}


@dataclass
class Office:
    """A web app that people log in to, and a run whose cases wait for them."""

    address: str
    voicewright: Voicewright
    access: Access
    store: S3Store
    stack: AsyncExitStack
    suite: str = field(default_factory=lambda: unique("suite"))
    """Its own: other tests leave cases that wait."""

    @property
    def queue(self) -> str:
        return f"{self.address}/reviews?suite={self.suite}"

    async def run(self, cases: int, opinions: int = 1) -> str:
        """A run whose cases all wait."""
        policy = ReviewPolicy(opinions=opinions)
        ref = SuiteRef(name=self.suite, version="v" * 64)
        steps = Steps(suite=ref, cases=cases, decide=lambda _: Decision.REVIEW, review=policy)
        await self.stack.enter_async_context(serving(self.voicewright.temporal, steps))
        run = await self.voicewright.start(RunRequest(suite=self.suite), run_id=unique("run"))
        async for progress in self.voicewright.watch(run):
            if progress.reviewing_total == cases:
                break
        return run

    def cookie(self, name: str) -> str:
        return self.access.sessions.log_in(name, PASSWORD, "test")

    def web(self, name: str) -> httpx.AsyncClient:
        """A program with somebody's session."""
        headers = {"origin": self.address}
        return httpx.AsyncClient(
            base_url=self.address, cookies={"voicewright": self.cookie(name)}, headers=headers, trust_env=False
        )

    async def tab(self, browser: Browser, name: str) -> Page:
        """A browser in which somebody is logged in."""
        context = await browser.new_context()
        self.stack.push_async_callback(context.close)
        await context.add_cookies([{"name": "voicewright", "value": self.cookie(name), "url": self.address}])
        return await context.new_page()


@pytest.fixture
async def office(real: Client, tmp_path: Path) -> AsyncIterator[Office]:
    with S3Server() as server:
        database = open_database(f"sqlite:///{tmp_path}/records.db")
        upgrade(database)
        access = Access.of(database)
        for name, role in PEOPLE.items():
            access.accounts.add(name, PASSWORD, role, local_user())
        settings = Settings(
            s3_endpoint_url=server.origin, s3_access_key_id="key", s3_secret_access_key=SecretStr("s"), web_url=None
        )
        voicewright, store = Voicewright(real), S3Store(settings)
        store.ensure_bucket()

        async def connect() -> Services:
            return Services(settings, voicewright, store, Records(database), access)

        async with listening(create_app(connect, (), ["127.0.0.1"])) as address, AsyncExitStack() as stack:
            yield Office(address, voicewright, access, store, stack)


@needs_browser
async def test_two_reviewers_take_different_cases_and_decide_them_by_keyboard(office: Office, browser: Browser) -> None:
    run = await office.run(2)
    ann, bob = await office.tab(browser, "ann"), await office.tab(browser, "bob")
    for tab in (ann, bob):
        await tab.goto(office.queue)
        await expect(tab.locator("#reviews tbody tr", has_text="c0")).to_have_count(1)
    await picture(ann, "reviews")
    for tab in (ann, bob):
        await tab.click("text=Start reviewing")
        await expect(tab.locator(".claim")).to_contain_text("You are reviewing this case")
    cases = {tab.url.split("/reviews/")[1].partition("?")[0] for tab in (ann, bob)}
    assert len(cases) == 2
    # Bob looks at Ann's case: he is told who has it, and his decision is refused.
    mine = ann.url.split("/reviews/")[1].partition("?")[0]
    await bob.goto(f"{office.address}/reviews/{mine}")
    await expect(bob.locator(".claim")).to_contain_text("ann is reviewing this case")
    await bob.click("button.pass")
    await expect(bob.get_by_role("alert")).to_contain_text("ann is reviewing this case")
    # Ann opens the list of keys, closes it, and fails the case without a mouse.
    await ann.keyboard.press("?")
    await expect(ann.locator("#keys")).to_contain_text("ask for a second opinion")
    await picture(ann, "review-keys")
    await ann.keyboard.press("Escape")
    await ann.keyboard.press("t")
    await ann.keyboard.type("it never answers")
    await ann.keyboard.press("Enter")  # leaves the note, and decides nothing
    await ann.select_option("[name=category]", "not_understood")
    await ann.select_option("[name=severity]", "high")
    await picture(ann, "review")
    await ann.uncheck("#then")
    await ann.keyboard.press("f")
    await ann.keyboard.press("Enter")
    await expect(ann.get_by_role("status")).to_contain_text("Decided: fail by ann, not understood, high")
    await expect(ann.locator(".note a")).to_have_text("[0:00]")
    await ann.goto(f"{office.address}/reviews/{mine}?suite={office.suite}")
    await ann.keyboard.press("n")
    await expect(ann).to_have_url(re.compile("empty=true"))  # the other case is Bob's
    await expect(ann.locator("main")).to_contain_text("None of these cases is free for you")
    [theirs] = cases - {mine}
    await bob.goto(f"{office.address}/reviews/{theirs}?suite={office.suite}")
    await bob.keyboard.press("p")
    await bob.keyboard.press("Enter")  # and on to the next, of which there is none
    await expect(bob).to_have_url(re.compile("decided="))
    await expect(bob.get_by_role("status")).to_contain_text("is kept")
    await expect(bob.locator("main")).to_contain_text("No case of these waits for a person")
    progress = await office.voicewright.wait(run)
    assert progress.counts == {Outcome.FAILED: 1, Outcome.PASSED: 1}
    decided = [one for one in office.access.audit.everything() if one.action is AuditAction.REVIEW_DECIDED]
    assert {(one.actor, one.detail) for one in decided} >= {("ann", "fail"), ("bob", "pass")}


class Recorded(Steps):
    """Steps whose call is stored, with a word that was misheard, and whose judge is the real one."""

    def __init__(self, store: S3Store, ref: SuiteRef) -> None:
        super().__init__(suite=ref)
        held = call()
        words = [
            Word(text=text, start_ms=2500 + 300 * at, end_ms=2800 + 300 * at, confidence=0.3, turn=0)
            for at, text in enumerate(("You", "are", "cooked."))
        ]
        agent = held.transcript.agent.model_copy(update={"words": tuple(words)})
        transcript = held.transcript.model_copy(update={"agent": agent})
        wav = wav_bytes([held.caller.samples, held.agent.samples], held.caller.rate_hz)
        recording = store.put("call.wav", wav, "audio/wav")
        record = held.record.model_copy(update={"recording": recording})
        self.held = CallSummary(
            record=store.put("call.json", record.model_dump_json().encode(), "application/json"),
            recording=recording,
            end=record.end,
            duration_ms=record.duration_ms,
            dials=1,
            turns_held=1,
        )
        self.heard = TranscriptSummary(
            transcript=store.put("transcript.json", transcript.model_dump_json().encode(), "application/json"),
            caller_words=4,
            agent_words=3,
        )
        self.judge = ValidateStep(store, SuiteLibrary(store), MeaningJudge())

    @activity.defn(name="call")
    async def call(self, request: CallRequest) -> CallSummary:
        return self.held

    @activity.defn(name="transcribe")
    async def transcribe(self, request: TranscribeRequest) -> TranscriptSummary:
        return self.heard

    @activity.defn(name="validate")
    async def validate(self, request: ValidateRequest) -> VerdictSummary:
        self.judged.append(request)
        return await self.judge.validate(request)


@needs_browser
async def test_a_misheard_word_is_put_right_and_the_run_changes(office: Office, browser: Browser) -> None:
    text = SUITE_TEXT.replace("NAME", office.suite).encode()
    pushed = push(office.store, parse_suite(text, "suite.yaml"), text)
    ref = SuiteRef(name=office.suite, version=pushed.version)
    steps = Recorded(office.store, ref)
    await office.stack.enter_async_context(serving(office.voicewright.temporal, steps))
    run = await office.voicewright.start(RunRequest(suite=office.suite), run_id=unique("run"))
    async for progress in office.voicewright.watch(run):
        if progress.reviewing_total:
            break
    ann = await office.tab(browser, "ann")
    await ann.goto(office.queue)
    while not await ann.locator("#reviews tbody tr").count():  # lists take a moment
        await ann.reload()
    await ann.click("text=Start reviewing")
    turn = ann.locator("#turn-1")
    await expect(turn.locator(".words")).to_contain_text("You are cooked.")
    await expect(turn.locator(".word.doubt")).to_have_count(3)
    await turn.locator(".word", has_text="cooked").click()  # it plays from there
    await ann.wait_for_function("document.querySelector('audio').currentTime > 2")
    # By keyboard alone: a correction that is not understood either, and then the right one.
    await ann.keyboard.press("Escape")
    await ann.keyboard.press("w")
    field = turn.locator("textarea")
    await expect(field).to_be_focused()
    await picture(ann, "review-correct")
    await ann.evaluate("document.querySelector('#turn-1 textarea').value = 'a '.repeat(3000)")
    await turn.locator("text=Judge by these words").click()
    await expect(turn.get_by_role("status")).to_contain_text("3,000 words are too many for one turn")
    await field.fill("You are booked. <b>Good</b>")
    await ann.keyboard.press("Tab")
    await ann.keyboard.press("Enter")
    await expect(ann.locator("main")).to_contain_text("Outcome: passed")
    await expect(turn.locator(".words")).to_contain_text("You are booked. <b>Good</b>")
    await expect(ann.locator("main")).to_contain_text("Judged by words that ann corrected")
    await picture(ann, "review-corrected")
    assert (await office.voicewright.wait(run)).counts == {Outcome.PASSED: 1}
    [noted] = [one for one in office.access.audit.everything() if one.action is AuditAction.WORDS_CORRECTED]
    assert (noted.actor, noted.subject, noted.detail) == ("ann", f"{run}/c0/en/1", "turn 1")
    [asked] = [request for request in steps.judged if request.correction]
    assert b"cooked" in office.store.get("transcript.json")  # the recogniser's own stays
    assert b"booked" in office.store.get(asked.transcript.transcript.key)


async def test_words_are_corrected_by_whom_they_are_given_to(office: Office) -> None:
    run = await office.run(1)
    case = f"/api/v1/reviews/{run}/c0/en/1"
    words = {"turn": 1, "text": "hello"}
    async with office.web("ann") as ann, office.web("vic") as vic:
        assert (await vic.post(f"{case}/words", json=words)).status_code == 403
        wrongs: list[object] = [{"turn": 0, "text": "x"}, {"turn": 1}, {"turn": 1, "text": "x" * 30_000}, []]
        for wrong in wrongs:
            assert (await ann.post(f"{case}/words", json=wrong)).status_code == 422, wrong
        assert (await ann.post("/api/v1/reviews/nobody/x/en/1/words", json=words)).status_code == 404
        assert (await ann.post(f"{case}/words", json=words)).status_code == 503  # its transcript is not stored


@needs_browser
async def test_two_that_disagree_are_told_apart_and_a_lead_decides(office: Office, browser: Browser) -> None:
    run = await office.run(1, opinions=2)
    case = f"{run}/c0/en/1"
    ann, bob = await office.tab(browser, "ann"), await office.tab(browser, "bob")
    await ann.goto(f"{office.address}/reviews/{case}")
    await ann.click("text=Claim")
    await expect(ann.locator(".claim")).to_contain_text("You are reviewing")
    await ann.uncheck("#then")
    await ann.click("button.pass")
    await expect(ann.locator("main")).to_contain_text("You have given your opinion")
    await expect(ann.locator("#decide")).to_have_count(0)
    await bob.goto(f"{office.address}/reviews/{case}")
    await expect(bob.locator("main")).to_contain_text("You see them when you have given yours")
    await bob.uncheck("#then")
    await bob.click("button.fail")
    await expect(bob.locator("main")).to_contain_text("pass by ann")
    assert (await office.voicewright.case(case)).waiting  # one against one
    lea = await office.tab(browser, "lea")
    await lea.goto(f"{office.address}/reviews/{case}")
    await expect(lea.locator("main")).not_to_contain_text("fail by bob")
    await lea.click("text=Show them now")
    await expect(lea.locator("main")).to_contain_text("fail by bob")
    await picture(lea, "review-lead")
    await lea.check("#overrule")
    await lea.uncheck("#then")
    await lea.click("text=Edge case")
    await expect(lea.get_by_role("status")).to_contain_text("Decided: edge case by lea")
    assert (await office.voicewright.wait(run)).counts == {Outcome.UNREVIEWED: 1}


async def test_what_a_validator_may_not_and_a_lead_may(office: Office) -> None:
    run = await office.run(2)
    case = f"{run}/c0/en/1"
    async with office.web("ann") as ann, office.web("bob") as bob, office.web("lea") as lea, office.web("vic") as vic:
        assert (await vic.post("/reviews/next")).status_code == 403
        taken = (await ann.post("/api/reviews/next", json={"suite": office.suite})).json()
        assert taken["workflow_id"].startswith(run)
        other = ({case, f"{run}/c1/en/1"} - {taken["workflow_id"]}).pop()
        mine = f"/api/reviews/{taken['workflow_id']}"
        assert (await bob.post(f"{mine}/claim", json={})).status_code == 409
        assert (await bob.post(f"{mine}/claim", json={"reviewer": "bob"})).status_code == 409
        assert (await bob.post(f"{mine}/claim", json={"reviewer": "vic"})).status_code == 403  # not his to assign
        assert (await bob.post(f"{mine}/release", json={})).status_code == 409
        sent = {"verdict": "pass", "overrule": True}
        assert (await bob.post(mine, json=sent)).status_code == 403
        assert (await lea.post(f"{mine}/claim", json={"reviewer": "bob"})).json()["reviewer"] == "bob"
        assert (await ann.post(mine, json={"verdict": "pass"})).status_code == 409
        answer = await bob.post(mine, json={"verdict": "pass", "reviewer": "somebody else"})
        assert (answer.status_code, answer.json()["reviewer"], answer.json()["settled"]) == (200, "bob", True)
        assert (await bob.post(f"{mine}/claim", json={})).status_code == 409
        assert (await ann.post(f"/api/reviews/{other}/claim", json={"lease_ms": 10**12})).status_code == 409
        assert (await ann.post("/api/reviews/next", json={"suite": "another"})).json() is None
        assert (
            await ann.post("/api/reviews/next", json={"suite": office.suite, "languages": ["de", "e'n\\"]})
        ).json() is None
        assert (await ann.post("/api/reviews/next", json={"suite": office.suite, "languages": ["de", "en"]})).json()[
            "workflow_id"
        ] == other
        assert (
            await ann.post("/api/reviews/next", json={"suite": office.suite, "after": other})
        ).json() is None  # hers already
        assert (await lea.post("/api/reviews/nobody/x/en/1/claim")).status_code == 404
        for what in ("cancel", "rerun"):  # a case is no run
            assert (await lea.post(f"/api/v1/runs/{other}/{what}")).status_code == 404
        assert (await office.voicewright.case(other)).waiting


async def test_the_queue_is_filtered(office: Office) -> None:
    run = await office.run(2)
    reviews = office.voicewright.review_page
    for wanted, found in (
        (ReviewFilter(suite=office.suite, languages=("en",)), True),
        (ReviewFilter(suite="it's \\ \" none"), False),
        (ReviewFilter(languages=("de",)), False),
        (ReviewFilter(free=True), True),
        (ReviewFilter(reviewer="ann"), False),
    ):
        page = await reviews(limit=500, wanted=wanted)
        ours = [entry for entry in page.entries if entry.workflow_id.startswith(run)]
        assert bool(ours) is found, wanted
    async with office.web("ann") as ann:
        assert len((await ann.get("/api/reviews", params={"suite": office.suite, "language": "de, fr"})).json()) == 0
        assert "nothing-like-it" in (await ann.get("/reviews", params={"suite": "nothing-like-it"})).text


@needs_browser
async def test_a_sample_is_judged_without_the_verdict(office: Office, browser: Browser) -> None:
    ref = SuiteRef(name=office.suite, version="v" * 64)
    steps = Steps(suite=ref, review=ReviewPolicy(blind=1.0))
    await office.stack.enter_async_context(serving(office.voicewright.temporal, steps))
    run = await office.voicewright.start(RunRequest(suite=office.suite), run_id=unique("run"))
    await office.voicewright.wait(run)
    ann = await office.tab(browser, "ann")
    await ann.goto(office.queue)
    while not await ann.locator("#reviews tbody tr").count():  # lists take a moment
        await ann.reload()
    await expect(ann.locator("#reviews")).to_contain_text("a sample of what the machine decided")
    await ann.click("text=Start reviewing")
    await expect(ann.locator("main")).to_contain_text("its verdict is hidden")
    await expect(ann.locator("main")).not_to_contain_text("because")  # the machine's reason
    await picture(ann, "review-blind")
    await ann.uncheck("#then")
    await ann.click("button.fail")
    await expect(ann.get_by_role("status")).to_contain_text("Decided: fail by ann")
    await expect(ann.locator("main")).to_contain_text("verdict was: pass")
    assert [one.review.reviewer for one in steps.blind] == ["ann"]
