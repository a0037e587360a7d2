"""How a session is opened."""

import os
from functools import partial
from urllib.parse import urlsplit

import openai
from websockets.exceptions import InvalidHandshake, InvalidStatus

from activities.channels.openai_realtime.line import MAX_MESSAGE, READY_S, OpenAiRealtimeLine
from activities.channels.secrets import fill_secrets
from activities.errors import CallRefusedError, LineError, RateLimitedError, StepError
from activities.ports.line import Line
from voicewright.suite.format.agent import AgentTarget, OpenAiRealtimeTarget

_TOO_MANY = 429
_SERVER = 500


class OpenAiRealtimeDialler:
    """Opens sessions."""

    async def dial(self, target: AgentTarget, *, call_id: str, caller_id: str = "", language: str = "en") -> Line:  # noqa: ARG002
        """See `Dialler`."""
        assert isinstance(target, OpenAiRealtimeTarget)
        where = urlsplit(target.url)
        fill = partial(fill_secrets, environment=os.environ, to=(target.url,))
        client = openai.AsyncOpenAI(
            api_key=fill(target.api_key),
            websocket_base_url=target.url,
            max_retries=0,
            default_headers={name: fill(text) for name, text in target.headers.items()},
        )
        manager = client.realtime.connect(
            model=target.model,
            websocket_connection_options={  # type: ignore[typeddict-unknown-key]
                "open_timeout": READY_S,
                "proxy": None,
                "max_size": MAX_MESSAGE,
                # Named, so that a redirect to another host is not followed: headers are for this one.
                "host": where.hostname,
                "port": where.port or (80 if where.scheme == "ws" else 443),
            },
        )
        try:
            connection = await manager.__aenter__()
        except InvalidStatus as error:
            raise _refusal(target.shown, error.response.status_code) from None
        except (OSError, ValueError, InvalidHandshake, TimeoutError, openai.OpenAIError) as error:
            reason = str(error) or "no answer in time"
            raise LineError(f"could not connect to {target.shown}: {reason}; is it running?") from None
        finally:
            await client.close()  # it made the connection; it holds nothing that the connection needs
        line = OpenAiRealtimeLine(target, manager, connection)
        try:
            await line.start()
        except BaseException:
            await line.hang_up()
            raise
        return line


def _refusal(where: str, status: int) -> StepError:
    message = f"{where} refused the session with HTTP {status}"
    if status == _TOO_MANY:
        return RateLimitedError(message, retry_after_s=5)
    return LineError(message) if status >= _SERVER else CallRefusedError(f"{message}: check url, model and api_key")
