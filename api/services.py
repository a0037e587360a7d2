"""What every page needs: Temporal, the store, links. Made once per process."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from voicewright.client import Voicewright
from voicewright.defect_log import DefectLog
from voicewright.report.build import Links
from voicewright.s3 import S3Store
from voicewright.settings import Settings


@dataclass(frozen=True)
class Services:
    """The outside of the web app."""

    settings: Settings
    voicewright: Voicewright
    store: S3Store

    @property
    def links(self) -> Links:
        """Where people find things."""
        return Links.of(self.settings)

    @property
    def defects(self) -> DefectLog:
        """The built-in tracker."""
        return DefectLog(self.store)


def _services(request: Request) -> Services:
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


Given = Annotated[Services, Depends(_services)]
"""A handler's parameter."""
