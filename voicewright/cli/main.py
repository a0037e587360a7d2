"""Entry point of `voicewright`."""

import sys
from typing import NoReturn

from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter

from voicewright.runtime.exit import leave


def main() -> NoReturn:
    """Run the command and leave with its exit code, whatever interpreter shutdown would make of it."""
    try:
        from voicewright.cli import commands  # noqa: PLC0415 - a client-only install gets an explanation instead
    except ModuleNotFoundError as error:
        sys.stderr.write(f"the voicewright command needs {error.name}: pip install 'voicewright[cli]'\n")
        leave(2)
    # What the SDK logs of each try to reach a server that is away: the commands say it in one line.
    quiet = LoggingConfig(filter=TelemetryFilter(core_level="ERROR", other_level="ERROR"))
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=quiet)))
    try:
        commands.app()
    except SystemExit as ending:
        code = ending.code
        leave(code if isinstance(code, int) else 0 if code is None else 1)
    except KeyboardInterrupt:
        leave(130)
    except BaseException:  # noqa: BLE001 - a bug of ours: show it, and still leave by the one way out
        sys.excepthook(*sys.exc_info())
        leave(70)
    leave(0)


if __name__ == "__main__":
    main()
