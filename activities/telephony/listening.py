"""How a calls worker serves HTTP to those who call it back."""

from aiohttp import web

from activities.errors import InstallationError


async def listening(app: web.Application, listen: str, *, to: str, setting: str) -> web.AppRunner:
    """Serve `app` on `listen`, host:port; the caller cleans the runner up.

    Raises:
        InstallationError: the port is taken: `to` says for whom it was, `setting` where to change it.
    """
    host, _, port = listen.rpartition(":")
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, host or "127.0.0.1", int(port)).start()
    except OSError as error:
        await runner.cleanup()
        raise InstallationError(f"cannot listen for {to} on {listen} ({error.strerror}): set {setting}") from None
    return runner
