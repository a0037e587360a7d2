"""What lies in the object store, and under which key.

Audio, transcripts and reports never travel through Temporal: they are stored once and passed on by reference.
"""

from urllib.parse import quote

from voicewright.contract import Contract


class ArtifactRef(Contract):
    """A stored object. `uri` is `s3://bucket/key`; `sha256` is the lower-case hex digest of its bytes."""

    uri: str
    sha256: str
    size_bytes: int
    media_type: str

    @property
    def key(self) -> str:
        """The key inside the bucket."""
        return self.uri.removeprefix("s3://").split("/", 1)[1]


def _part(text: str) -> str:
    """A path segment that no id can escape from: workflow ids typed by a person may hold anything."""
    return quote(text, safe="-_.@+=,") if text not in {".", ".."} else quote(text, safe="").replace(".", "%2E")


def suite_version_key(name: str, version: str) -> str:
    """One pushed version of a suite, by the digest of its text."""
    return f"suites/{_part(name)}/versions/{version}.yaml"


def suite_latest_key(name: str) -> str:
    """Which version `name` alone means."""
    return f"suites/{_part(name)}/latest.json"


def speech_key(digest: str) -> str:
    """Caller speech, by the digest of everything that shapes it."""
    return f"speech/{digest}.wav"


def run_key(run_id: str, file: str) -> str:
    """A file that belongs to a whole run."""
    return f"runs/{_part(run_id)}/{file}"


def case_key(run_id: str, case: str, language: str, repeat: int, file: str) -> str:
    """A file that belongs to one case of a run."""
    return f"runs/{_part(run_id)}/cases/{_part(case)}/{_part(language)}/{repeat}/{file}"


def noise_key(name: str) -> str:
    """A recording of noise for caller profiles, put there by people."""
    return f"noise/{_part(name)}"


def defect_key(defect_id: str) -> str:
    """A defect of the built-in tracker."""
    return f"defects/{_part(defect_id)}.json"


def signature_key(digest: str) -> str:
    """Which defect a failure signature belongs to."""
    return f"signatures/{digest}.json"


def baseline_key(suite: str, branch: str) -> str:
    """The newest finished run of a suite on a branch."""
    return f"suites/{_part(suite)}/baselines/{_part(branch)}.json"


def decision_key(project: str, workflow_id: str) -> str:
    """What a person decided on a case, as labelled pairs; without a workflow id the folder of all."""
    return f"judge/{_part(project)}/decisions/" + (f"{_part(workflow_id)}.jsonl" if workflow_id else "")


def calibration_key(project: str, version: str) -> str:
    """A version of a project's calibration, or `current`, which names one."""
    return f"judge/{_part(project)}/calibration/{_part(version)}.json"
