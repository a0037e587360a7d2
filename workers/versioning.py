"""Worker Versioning, where an installation wants it: which version of which deployment this worker is.

Temporal then gives a worker no new run before its version is made current. docs/upgrading.md says how that is done.
"""

from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import WorkerDeploymentConfig

from activities.errors import InstallationError
from voicewright.settings import Settings

_BEHAVIOURS = {"auto-upgrade": VersioningBehavior.AUTO_UPGRADE, "pinned": VersioningBehavior.PINNED}


def deployment_of(settings: Settings) -> WorkerDeploymentConfig | None:
    """What a worker says of its version; None for a worker without one.

    Raises:
        InstallationError: only one of deployment and build id is set.
    """
    named = {
        "VOICEWRIGHT_WORKER_DEPLOYMENT": settings.worker_deployment,
        "VOICEWRIGHT_WORKER_BUILD_ID": settings.worker_build_id,
    }
    missing = [name for name, value in named.items() if value is None]
    if settings.worker_deployment is None or settings.worker_build_id is None:
        if len(missing) < len(named):
            raise InstallationError(f"{missing[0]} is not set: a worker's version needs a deployment and a build id")
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(settings.worker_deployment, settings.worker_build_id),
        use_worker_versioning=True,
        default_versioning_behavior=_BEHAVIOURS[settings.worker_versioning],
    )
