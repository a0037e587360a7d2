"""What lies in the object store, and under which key.

Audio, transcripts and reports never travel through Temporal: they are stored once and passed on by reference.
"""

from urllib.parse import quote

from voicewright.contracts.case import CaseKey, CaseRequest


def _part(text: str) -> str:
    """A path segment that no id can escape from: workflow ids typed by a person may hold anything."""
    return quote(text, safe="-_.@+=,") if text not in {".", ".."} else quote(text, safe="").replace(".", "%2E")


def suite_version_key(name: str, version: str) -> str:
    """One pushed version of a suite, by the digest of its text."""
    return f"suites/{_part(name)}/versions/{version}.yaml"


def suite_pushed_key(name: str, at: str) -> str:
    """That a version was pushed, by a ULID: in the order of time."""
    return f"suites/{_part(name)}/pushed/{at}.json"


def suite_latest_key(name: str) -> str:
    """Which version `name` alone means."""
    return f"suites/{_part(name)}/latest.json"


def quarantine_key(name: str) -> str:
    """Which cases of a suite are in quarantine."""
    return f"suites/{_part(name)}/quarantine.json"


def defect_told_key(defect_id: str, event: int) -> str:
    """That the webhook's receiver took an event of a defect, by the event's number."""
    return f"webhooks/defects/{_part(defect_id)}/{event}.json"


def start_key(digest: str) -> str:
    """What was asked for when a run was started with an idempotency key, by the digest of that key and its sender."""
    return f"starts/{digest}"


def speech_key(digest: str) -> str:
    """Caller speech, by the digest of everything that shapes it."""
    return f"speech/{digest}.wav"


def heard_speech_key(speech: str, digest: str) -> str:
    """How caller speech was heard: by its own digest, and that of everything else that shapes what is heard."""
    return f"speech/heard/{speech}/{digest}.json"


def run_key(run_id: str, file: str) -> str:
    """A file that belongs to a whole run."""
    return f"runs/{_part(run_id)}/{file}"


def case_key(run_id: str, key: CaseKey, file: str) -> str:
    """A file that belongs to one case of a run."""
    return f"runs/{_part(run_id)}/cases/{_part(key.case)}/{_part(key.cell)}/{key.repeat}/{file}"


def case_file(case: CaseRequest, file: str) -> str:
    """A file of the case that a step works on."""
    return case_key(case.run_id, case.key, file)


def noise_key(name: str) -> str:
    """A recording of noise for caller profiles, put there by people."""
    return f"noise/{_part(name)}"


def defect_key(defect_id: str) -> str:
    """A defect of the built-in tracker."""
    return f"defects/{_part(defect_id)}.json"


def baseline_key(suite: str, branch: str) -> str:
    """The newest finished run of a suite on a branch."""
    return f"suites/{_part(suite)}/baselines/{_part(branch)}.json"


def planned_key(suite: str, branch: str) -> str:
    """The newest run of a whole suite on a branch, which may not have finished."""
    return f"suites/{_part(suite)}/planned/{_part(branch)}.json"


def reminded_key() -> str:
    """When people were last reminded of cases that wait for them."""
    return "reminders/last.json"


def decision_key(project: str, workflow_id: str) -> str:
    """What a person decided on a case, as labelled pairs; without a workflow id the folder of all."""
    return f"judge/{_part(project)}/decisions/" + (f"{_part(workflow_id)}.jsonl" if workflow_id else "")


def calibration_key(project: str, version: str) -> str:
    """A version of a project's calibration, or `current`, which names one."""
    return f"judge/{_part(project)}/calibration/{_part(version)}.json"
