"""Step 0 of a run: what the request means, as a fixed list of cases."""

import asyncio
from fnmatch import fnmatchcase

from temporalio import activity

from activities.errors import BadInputError
from activities.ports.recording import NoRecords, Recording
from activities.suites import SuiteLibrary, target
from voicewright.contracts.case import CaseKey
from voicewright.contracts.run import PageRequest, PlanPage, RunFacts, RunPlan, RunRequest
from voicewright.store.keys import planned_key, run_key
from voicewright.store.port import ObjectStore
from voicewright.suite import Case, Suite
from voicewright.suite.format.profile import PLAIN
from voicewright.suite.quarantine import held_back


class PlanStep:
    """Resolves the suite, expands it to cases, languages and repeats, and notes in the store what the run is about."""

    def __init__(self, store: ObjectStore, suites: SuiteLibrary, records: Recording | None = None) -> None:
        self._store = store
        self._records = records or NoRecords()
        self._suites = suites

    @activity.defn(name="plan")
    async def plan(self, page: PageRequest) -> PlanPage:
        """One page of the cases; the same for the same request and suite version.

        Raises:
            BadInputError: the suite or a filter names something that does not exist.
        """
        ref = page.suite or await self._suites.pin(page.request.suite)
        excused = await asyncio.to_thread(held_back, self._store, ref.name) if page.suite is None else ()
        suite = await self._suites.suite(ref)
        keys = expand(suite, page.request)
        agent = target(suite, page.request.agent_url)
        plan = RunPlan(
            suite=ref,
            total=len(keys),
            max_parallel=page.request.max_parallel or suite.max_parallel,
            call_limit_ms=suite.limits.call_s * 1000 + agent.ring_ms,
            agent_url=page.request.agent_url,
            agent=f"{agent.channel} {agent.shown}",
            review=suite.review.policy(),
            on_account=agent.capabilities.on_account,
            quarantined=excused,
        )
        if page.suite is None:
            await self._records.run(await asyncio.to_thread(self._note, page.request, plan))
        return PlanPage(plan=plan, keys=tuple(keys[page.offset : page.offset + page.limit]))

    def _note(self, request: RunRequest, plan: RunPlan) -> str:
        """A run can be shown and compared from its first case on; planning it again changes nothing. Returns its id."""
        info = activity.info()
        assert info.workflow_id is not None
        facts = RunFacts(
            run_id=info.workflow_id,
            suite=plan.suite,
            agent=plan.agent,
            total=plan.total,
            started_at=info.scheduled_time.isoformat(timespec="seconds"),
            branch=request.branch,
            commit=request.commit,
            whole=request.whole,
            quarantined=plan.quarantined,
        )
        body = facts.model_dump_json().encode()
        self._store.put_if_absent(run_key(facts.run_id, "run.json"), body, "application/json")
        if facts.branch and facts.whole:
            key = planned_key(facts.suite.name, facts.branch)
            self._store.put(key, facts.run_id.encode(), "text/plain")
        return facts.run_id


def expand(suite: Suite, request: RunRequest) -> list[CaseKey]:
    """The cases that a request asks for, in the suite's order; repeats of one case stand together.

    Raises:
        BadInputError: a filter fits nothing.
    """
    for wanted in request.cases:
        if not any(fnmatchcase(case.id, wanted) for case in suite.cases):
            raise BadInputError(
                f"no case of {suite.suite} fits {wanted!r}: it has {_some([c.id for c in suite.cases])}"
            )
    tags = {tag for case in suite.cases for tag in case.tags}
    if unknown := set(request.tags) - tags:
        raise BadInputError(
            f"no case of {suite.suite} has the tag {_some(sorted(unknown))}: tags are {_some(sorted(tags))}"
        )
    spoken = {language for case in suite.cases for language in suite.languages_of(case)}
    if unknown := set(request.languages) - spoken:
        raise BadInputError(
            f"{suite.suite} is not spoken in {_some(sorted(unknown))}: its languages are {_some(sorted(spoken))}"
        )
    callers = {name for case in suite.cases for name in suite.profiles_of(case)}
    if unknown := set(request.profiles) - callers:
        raise BadInputError(
            f"no case of {suite.suite} is spoken by {_some(sorted(unknown))}: its callers are {_some(sorted(callers))}"
        )
    keys = [key for case in suite.cases if _asked_for(case, request) for key in _appearances(suite, case, request)]
    if not keys:
        raise BadInputError(
            f"no case of {suite.suite} passes all the filters together: loosen cases, tags or languages"
        )
    return keys


def _asked_for(case: Case, request: RunRequest) -> bool:
    named = not request.cases or any(fnmatchcase(case.id, wanted) for wanted in request.cases)
    tagged = not request.tags or bool(set(request.tags) & set(case.tags))
    return named and tagged


def _appearances(suite: Suite, case: Case, request: RunRequest) -> list[CaseKey]:
    repeats = request.repeats or case.repeats or suite.defaults.repeats
    return [
        CaseKey(case=case.id, language=language, repeat=repeat, profile="" if profile == PLAIN else profile)
        for language in suite.languages_of(case)
        if not request.languages or language in request.languages
        for profile in suite.profiles_of(case)
        if not request.profiles or profile in request.profiles
        for repeat in range(1, repeats + 1)
    ]


def _some(names: list[str], most: int = 12) -> str:
    shown = ", ".join(names[:most]) or "none"
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
