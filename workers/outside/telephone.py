"""From settings to the telephone: Twilio, and the lines of its account."""

from activities import phone_lines as lines
from activities.calling_hours import Hours
from activities.channels.twilio.client import Account
from activities.channels.twilio.endpoint import TwilioEndpoint
from activities.channels.twilio.phone import TwilioDialler
from activities.errors import InstallationError
from activities.phone_lines import PhoneLines
from voicewright.settings import Settings
from voicewright.store.port import ObjectStore


def telephone(settings: Settings) -> TwilioDialler | None:
    """Twilio where it is set.

    Raises:
        InstallationError: it is set in part.
    """
    if settings.twilio_account_sid is None:
        return None
    if settings.twilio_auth_token is None or settings.twilio_public_url is None:
        raise InstallationError(
            "VOICEWRIGHT_TWILIO_ACCOUNT_SID is set, but not VOICEWRIGHT_TWILIO_AUTH_TOKEN and "
            "VOICEWRIGHT_TWILIO_PUBLIC_URL, by which Twilio's requests to us are known"
        )
    token = settings.twilio_auth_token.get_secret_value()
    secret = settings.twilio_api_secret
    user, password = settings.twilio_account_sid, token
    if settings.twilio_api_key is not None and secret is not None:
        user, password = settings.twilio_api_key, secret.get_secret_value()
    return TwilioDialler(
        Account(settings.twilio_account_sid, user, password, settings.twilio_api_url),
        TwilioEndpoint(settings.twilio_public_url, settings.twilio_listen, token),
        settings.twilio_numbers,
    )


def phone_lines(settings: Settings, store: ObjectStore) -> PhoneLines:
    """The lines of the account that all runs share.

    Raises:
        InstallationError: the hours cannot be read.
    """
    try:
        hours = Hours.parse(settings.twilio_hours) if settings.twilio_hours is not None else None
    except ValueError as error:
        raise InstallationError(f"VOICEWRIGHT_TWILIO_HOURS: {error}") from None
    account = lines.Account(settings.twilio_numbers, settings.twilio_lines, settings.twilio_calls_per_s, hours)
    return PhoneLines(store, account)
