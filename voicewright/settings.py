"""Settings of an installation, from `VOICEWRIGHT_*` environment variables.

On a machine where `voicewright dev` runs, its addresses are found in `.voicewright/stack.json`, so that commands
typed in the same folder need no settings at all. A variable that is set wins.
"""

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

from voicewright.contracts.access import Role
from voicewright.jira_fields import read_fields
from voicewright.running_stack import RunningStack, default_data_dir


class Settings(BaseSettings):
    """One flat list; `docs/settings.md` explains each.

    Secrets may come as files, one per setting and named like its variable in lower case
    (`voicewright_jira_token`), in the folder that `VOICEWRIGHT_SECRETS_DIR` names.
    """

    model_config = SettingsConfigDict(env_prefix="VOICEWRIGHT_", extra="ignore", frozen=True, env_ignore_empty=True)

    temporal_address: str = Field("127.0.0.1:7233", description="Address of Temporal, as host:port.")
    temporal_namespace: str = Field("default", description="Temporal namespace.")
    temporal_api_key: SecretStr | None = Field(None, description="API key for Temporal Cloud. Setting it turns TLS on.")
    temporal_tls: bool = Field(False, description="Connect to Temporal with TLS.")
    temporal_tls_ca_file: Path | None = Field(
        None,
        description="Certificates, as a PEM file, by which Temporal's is checked. Unset: those of the system. Setting "
        "it turns TLS on.",
    )
    temporal_tls_cert_file: Path | None = Field(
        None, description="Certificate by which Temporal knows us (mTLS), as a PEM file. Setting it turns TLS on."
    )
    temporal_tls_key_file: Path | None = Field(None, description="Private key of that certificate, as a PEM file.")
    temporal_tls_server_name: str | None = Field(
        None, description="Name in Temporal's certificate, where it differs from the address."
    )
    payload_keys: SecretStr | None = Field(
        None,
        description="Keys that encrypt what Temporal stores: `NAME:KEY, NAME:KEY`, each KEY being 32 bytes in base64. "
        "The first encrypts, all decrypt. Unset: nothing is encrypted.",
    )
    worker_deployment: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$",
        description="Name of the deployment that a worker belongs to, with Worker Versioning. Unset: workers have no "
        "versions.",
    )
    worker_build_id: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="Version of a worker within its deployment: a release or a commit.",
    )
    worker_versioning: Literal["auto-upgrade", "pinned"] = Field(
        "auto-upgrade",
        description="What a run in flight does when another version becomes current: go on there (`auto-upgrade`), "
        "or end where it began (`pinned`).",
    )
    temporal_ui_url: str | None = Field(None, description="Base address of the Temporal UI, for links.")

    s3_endpoint_url: str | None = Field(None, description="Address of an S3 server. Unset: AWS.")
    s3_bucket: str = Field("voicewright", description="Bucket for suites, audio and results.")
    s3_region: str = Field("us-east-1", description="Region of the bucket.")
    s3_access_key_id: str | None = Field(
        None, description="Access key. Unset: boto3's usual chain (profile, role, environment)."
    )
    s3_secret_access_key: SecretStr | None = Field(None, description="Secret of the access key.")
    s3_encryption: Literal["AES256", "aws:kms"] | None = Field(
        None,
        description="How the object store encrypts what it stores: with a key of its own (`AES256`), or one of a key "
        "management service (`aws:kms`). Unset: as the bucket says.",
    )
    s3_kms_key: str | None = Field(
        None, max_length=2048, description="Id of the key for `aws:kms`. Unset: the account's default key for S3."
    )

    remind_hours: int = Field(
        4,
        ge=1,
        le=168,
        description="Slack and the webhook are told of cases that have waited for a person for more than so many "
        "hours, and so often.",
    )
    retention_days: int | None = Field(
        None,
        ge=1,
        le=36_500,
        description="After so many days, recordings and all words of a call are erased; outcomes and times stay. "
        "Unset: never.",
    )

    oidc_issuer: str | None = Field(
        None,
        max_length=500,
        description="Address of an identity provider (OpenID Connect), at which people may log in. Unset: passwords "
        "alone.",
    )
    oidc_client_id: str | None = Field(None, max_length=500, description="What the provider calls this installation.")
    oidc_client_secret: SecretStr | None = Field(None, description="The secret that it gave to this installation.")
    oidc_new_role: Role | None = Field(
        None,
        description="Role of whoever the provider recognises and who has no account: they get one. Unset: they are "
        "refused until an admin links an account.",
    )

    database_url: SecretStr | None = Field(
        None,
        description="Database of the records: `sqlite:///FILE`, or `postgresql://USER@HOST/DATABASE`. Unset: "
        "`records.db` in the data folder.",
    )
    database_password: SecretStr | None = Field(
        None, description="Password of the database's user, where the address does not hold it."
    )

    models_dir: Path = Field(
        Path("~/.cache/voicewright/models"), description="Folder in which the packaged models are assembled, once."
    )
    tts_english: str = Field("piper", description="Voice engine for English callers: piper, kokoro, espeak or gtts.")
    tts_other: str = Field(
        "kokoro",
        description="Voice engine for callers in other languages: kokoro (espeak where kokoro has no voice), "
        "espeak or gtts.",
    )
    piper_voice: str = Field(
        "en_US-joe-medium", description="Piper voice: the packaged one, or the path of an .onnx file."
    )
    gtts_tld: str = Field("com", description="Top-level domain of the online service that the gtts engine uses.")
    whisper_model: str = Field(
        "base", description="Recogniser: `base` (packaged), the name of a faster-whisper model, or a folder."
    )
    whisper_threads: int = Field(1, ge=1, description="Threads for one recognition, and for one synthesis by Kokoro.")
    embedding_engine: Literal["packaged", "sentence-transformers"] = Field(
        "packaged",
        description="What computes embeddings of English questions: `packaged` (onnxruntime), or "
        "`sentence-transformers`, with the extra of that name.",
    )
    embedding_model: str = Field(
        "packaged",
        description="Embeddings for languages other than English: `packaged`, or multilingual-e5-small for "
        "sentence-transformers, by name or as a folder; with the extra of that name.",
    )
    judge_risk: float = Field(
        0.003, gt=0, le=0.2, description="Highest share of automatic verdicts on meaning that may be wrong."
    )
    judge_confidence: float = Field(
        0.95, ge=0.5, lt=1, description="Confidence with which the labelled data must show that the risk is kept."
    )
    judge_false_pass_cost: float = Field(
        1.0,
        gt=0,
        description="Cost of a wrong pass. If it is higher than the cost of a wrong fail, fewer wrong passes "
        "are allowed.",
    )
    judge_false_fail_cost: float = Field(
        1.0,
        gt=0,
        description="Cost of a wrong fail. If it is higher than the cost of a wrong pass, fewer wrong fails "
        "are allowed.",
    )
    judge_project: str = Field(
        "default",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="Project whose reviews calibrate the judge.",
    )
    llm_url: str | None = Field(
        None,
        description="Base address of an OpenAI-compatible endpoint that judges rubrics. Unset: no LLM is "
        "asked, and people judge rubrics.",
    )
    llm_model: str | None = Field(None, description="Name of the LLM at that endpoint.")
    llm_key: SecretStr | None = Field(None, description="API key of the endpoint. Unset: requests carry no key.")
    llm_samples: int = Field(3, ge=1, le=9, description="How many times the LLM is asked about one answer.")
    llm_timeout_s: float = Field(30, gt=0, le=120, description="Timeout of one such request, in seconds.")
    llm_tokens_per_day: int = Field(
        200_000,
        ge=0,
        description="Tokens that all workers together may spend per day (UTC). When they are spent, people "
        "judge rubrics.",
    )
    calls_per_worker: int = Field(
        20,
        ge=1,
        description="Calls that one `calls` worker holds at most; fewer where it cannot send the frames of more in "
        "time.",
    )
    held_dir: Path | None = Field(
        None,
        description="Folder in which a `calls` worker keeps a recording until the object store has it. Unset: `held` "
        "in the data folder.",
    )
    call_control_listen: str = Field(
        "127.0.0.1:0",
        description="host:port on which agents on Media Streams can hang up and transfer. Port 0 takes any free port.",
    )
    call_control_url: str | None = Field(
        None, description="Address under which agents reach that port. Unset: only agents on this machine reach it."
    )
    sip_interface: str | None = Field(
        None, description="Network interface or local address for SIP calls. Unset: the one that leads to the agent."
    )
    twilio_account_sid: str | None = Field(None, description="Twilio account. Unset: no telephone calls.")
    twilio_auth_token: SecretStr | None = Field(
        None, description="Auth token of the account. Twilio signs its requests to us with it."
    )
    twilio_api_key: str | None = Field(
        None, description="SID of an API key to call with. Unset: calls are made with the auth token."
    )
    twilio_api_secret: SecretStr | None = Field(None, description="Secret of the API key.")
    twilio_from: str = Field("", description="Caller ids: numbers of the account in E.164, separated by commas.")
    twilio_public_url: str | None = Field(
        None, description="https address at which Twilio reaches this calls worker. Every calls worker needs its own."
    )
    twilio_listen: str = Field("127.0.0.1:8790", description="host:port on which the worker serves that address.")
    twilio_lines: int = Field(
        1, ge=1, description="Calls that the account allows at the same time, for all runs together."
    )
    twilio_calls_per_s: float = Field(1.0, gt=0, description="New calls per second that the account allows.")
    twilio_hours: str | None = Field(
        None, description="When calls may be made: `mon-fri 09:00-18:00 Europe/Berlin`. Unset: always."
    )
    twilio_api_url: str | None = Field(
        None, description="Address of Twilio's REST API, if you use a proxy. Unset: Twilio itself."
    )
    speech_per_worker: int = Field(2, ge=1, description="Speech steps that one `speech` worker runs at the same time.")

    web_url: str | None = Field(None, description="Address at which people reach the web app, for links.")
    web_hosts: str = Field(
        "127.0.0.1,localhost",
        description="Host names that the web app answers to, separated by commas. `*` allows any.",
    )

    defect_passes: int = Field(
        3, ge=1, description="How many times in a row all cases of a defect must pass before it counts as fixed."
    )
    defect_auto_close: bool = Field(
        False, description="Close a fixed defect automatically. Otherwise it is proposed for closing."
    )

    jira_url: str | None = Field(
        None, description="Address of Jira. Unset: defects are kept in the built-in tracker only."
    )
    jira_user: str | None = Field(
        None,
        description="E-mail address of the Jira Cloud account. Leave it unset for a personal access token of "
        "Jira Data Center.",
    )
    jira_token: SecretStr | None = Field(None, description="API token (Cloud) or personal access token (Data Center).")
    jira_project: str = Field("", description="Key of the project in which issues are created.")
    jira_issue_type: str = Field("Bug", description="Type of these issues.")
    jira_fields: str = Field(
        "",
        description="More fields of these issues, as a JSON object by field id, as Jira's REST API takes them: "
        '`{"customfield_10010": {"value": "Voice"}}`. `voicewright doctor` lists those that the project requires.',
    )

    slack_token: SecretStr | None = Field(None, description="Bot token. Unset: nothing is posted to Slack.")
    slack_channel: str = Field("", description="Id of the channel that gets one message per run.")
    slack_api_url: str = Field("https://slack.com/api/", description="Address of Slack's Web API.")

    webhook_url: str | None = Field(
        None, description="Address that is told of runs, overdue reviews and defects. Unset: nobody is."
    )
    webhook_secret: SecretStr | None = Field(
        None,
        description="Secret by which these deliveries are signed, as Standard Webhooks have it: `whsec_` and 24 to 64 "
        "random bytes in base64.",
    )

    github_webhook_secret: SecretStr | None = Field(
        None, description="Secret of the webhook. Unset: every delivery is refused."
    )
    github_rules: Path | None = Field(None, description="YAML file that says which events start which suites.")
    github_token: SecretStr | None = Field(None, description="Token that may write commit statuses.")
    github_app_id: str | None = Field(None, description="Id of a GitHub App. Check runs need one.")
    github_private_key_file: Path | None = Field(None, description="Private key of the App, a PEM file.")
    github_api_url: str = Field("https://api.github.com", description="Address of GitHub's API.")

    metrics_port: int | None = Field(
        None, ge=1, le=65535, description="Port on which a worker serves Prometheus metrics. Unset: none are served."
    )
    metrics_host: str = Field("127.0.0.1", description="Address on which metrics are served.")
    otlp_endpoint: str | None = Field(None, description="OTLP/HTTP collector for traces. Unset: no traces.")
    log_level: str = Field("INFO", description="Log level of the workers and the web app.")
    log_format: Literal["text", "json"] = Field(
        "text", description="Log format: `text` for people, `json` for machines."
    )

    @property
    def records_url(self) -> str:
        """Where the records are."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{default_data_dir().resolve()}/records.db"

    @property
    def records_password(self) -> str | None:
        """What opens them, where the address does not hold it."""
        return self.database_password.get_secret_value() if self.database_password is not None else None

    @property
    def twilio_numbers(self) -> tuple[str, ...]:
        """The caller ids."""
        return tuple(number.strip() for number in self.twilio_from.split(",") if number.strip())

    @property
    def llm_missing(self) -> tuple[str, ...]:
        """Variables without which no LLM judges rubrics."""
        needed = {"VOICEWRIGHT_LLM_URL": self.llm_url, "VOICEWRIGHT_LLM_MODEL": self.llm_model}
        return tuple(name for name, value in needed.items() if value is None)

    @field_validator("jira_fields")
    @classmethod
    def _fields(cls, value: str) -> str:
        read_fields(value)
        return value

    @field_validator("s3_kms_key")
    @classmethod
    def _kms_alone(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value and info.data.get("s3_encryption") != "aws:kms":
            msg = "encrypts nothing by itself: set VOICEWRIGHT_S3_ENCRYPTION=aws:kms too, or leave both out"
            raise ValueError(msg)
        return value

    @field_validator("*", mode="after")
    @classmethod
    def _no_empty_secret(cls, value: Any) -> Any:  # noqa: ANN401 - any setting
        """A secret file that is empty is a secret that is not set, never one that anybody can guess."""
        return None if isinstance(value, SecretStr) and not value.get_secret_value().strip() else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments before environment before the running local stack."""
        folder = os.environ.get("VOICEWRIGHT_SECRETS_DIR")
        secrets = SecretsSettingsSource(settings_cls, folder) if folder else file_secret_settings
        return init_settings, env_settings, dotenv_settings, secrets, RunningStack(settings_cls)
