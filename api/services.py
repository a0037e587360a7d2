"""What every page needs: Temporal, the store, links. Made once per process."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from sqlalchemy import Engine

from api.guard.oidc import Provider
from api.guard.passes import Passes
from voicewright.accounts import Accounts, AuditLog, Sessions, Tokens
from voicewright.accounts.sign_on import SignOn
from voicewright.client import Voicewright
from voicewright.client.connect import codec
from voicewright.defects.log import DefectLog
from voicewright.records import Records
from voicewright.report.build import Links
from voicewright.runtime.encryption import EncryptionCodec
from voicewright.settings import Settings
from voicewright.store.s3 import S3Store


@dataclass(frozen=True)
class Access:
    """Who may use the web app, and what they did."""

    accounts: Accounts
    sessions: Sessions
    tokens: Tokens
    audit: AuditLog
    sign_on: SignOn

    @classmethod
    def of(cls, engine: Engine) -> "Access":
        """As a database has it."""
        return cls(Accounts(engine), Sessions(engine), Tokens(engine), AuditLog(engine), SignOn(engine))


@dataclass(frozen=True)
class Services:
    """The outside of the web app."""

    settings: Settings
    voicewright: Voicewright
    store: S3Store
    records: Records | None = None
    """None where none are kept."""
    access: Access | None = None
    """None where nobody has to log in."""

    @cached_property
    def codec(self) -> EncryptionCodec:
        """What opens what Temporal stores, where that is encrypted."""
        return codec(self.settings)

    @cached_property
    def provider(self) -> Provider | None:
        """Where people may log in besides; None where no provider is set.

        Raises:
            SettingsMissingError: its settings are not complete.
        """
        settings = self.settings
        named = settings.oidc_issuer or settings.oidc_client_id or settings.oidc_client_secret
        return Provider(settings) if named and self.access is not None else None

    @cached_property
    def passes(self) -> Passes:
        """For the recordings of reports."""
        return Passes(self.settings)

    @property
    def links(self) -> Links:
        """Where people find things."""
        return Links.of(self.settings)

    @property
    def defects(self) -> DefectLog:
        """The built-in tracker."""
        return DefectLog(self.store)


def records_of(given: Services) -> Records:
    """The records.

    Raises:
        HTTPException: none are kept.
    """
    if given.records is None:
        raise HTTPException(404, "this installation keeps no records: set VOICEWRIGHT_DATABASE_URL")
    return given.records


def _services(request: Request) -> Services:
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


Given = Annotated[Services, Depends(_services)]
"""A handler's parameter."""
