"""Settings of an installation, from `VOICEWRIGHT_*` environment variables.

On a machine where `voicewright dev` runs, its addresses are found in `.voicewright/stack.json`, so that commands
typed in the same folder need no settings at all. A variable that is set wins.
"""

import json
import os
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

STACK_FILE = Path("stack.json")


def default_data_dir() -> Path:
    """Where the local stack keeps its data, and where commands look for a running one."""
    return Path(os.environ.get("VOICEWRIGHT_DATA_DIR", ".voicewright"))


class _RunningStack(PydanticBaseSettingsSource):
    """Addresses that a local stack wrote when it came up."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ANN401, ARG002
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        try:
            stack = json.loads((default_data_dir() / STACK_FILE).read_text())
        except (OSError, ValueError):
            return {}
        known = stack.get("settings", {})
        return known if isinstance(known, dict) else {}


class Settings(BaseSettings):
    """One flat list; `docs/settings.md` explains each."""

    model_config = SettingsConfigDict(env_prefix="VOICEWRIGHT_", extra="ignore", frozen=True)

    temporal_address: str = Field("127.0.0.1:7233", description="Temporal's host:port.")
    temporal_namespace: str = Field("default", description="Temporal namespace.")
    temporal_api_key: SecretStr | None = Field(None, description="API key, for Temporal Cloud; turns TLS on.")
    temporal_tls: bool = Field(False, description="Use TLS towards Temporal.")
    temporal_ui_url: str | None = Field(None, description="Base address of the Temporal UI, for links.")

    s3_endpoint_url: str | None = Field(None, description="Address of an S3 server; unset means AWS.")
    s3_bucket: str = Field("voicewright", description="Bucket that holds suites, audio and results.")
    s3_region: str = Field("us-east-1", description="Region of the bucket.")
    s3_access_key_id: str | None = Field(
        None, description="Access key; unset uses boto3's usual chain (profile, role, environment)."
    )
    s3_secret_access_key: SecretStr | None = Field(None, description="Secret of the access key.")

    models_dir: Path = Field(
        Path("~/.cache/voicewright/models"), description="Where models from packages are put together, once."
    )
    tts_english: str = Field("piper", description="Engine for English callers: piper, espeak or gtts.")
    tts_other: str = Field("espeak", description="Engine for callers in other languages.")
    piper_voice: str = Field(
        "en_US-joe-medium", description="Piper voice: the packaged one, or the path of an .onnx file."
    )
    gtts_tld: str = Field("com", description="Top-level domain of the gtts engine's online service.")
    whisper_model: str = Field(
        "base", description="Recogniser: `base` (packaged), a faster-whisper model name, or a folder."
    )
    whisper_threads: int = Field(2, ge=1, description="Threads of one recognition.")
    embedding_model: str = Field(
        "all-MiniLM-L6-v2", description="sentence-transformers model: the packaged one, a name, or a folder."
    )
    calls_per_worker: int = Field(20, ge=1, description="Calls that one `calls` worker holds at once.")
    speech_per_worker: int = Field(2, ge=1, description="Speech activities that one `speech` worker runs at once.")

    log_level: str = Field("INFO", description="Level of the workers' logs.")

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
        return init_settings, env_settings, dotenv_settings, file_secret_settings, _RunningStack(settings_cls)
