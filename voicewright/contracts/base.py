"""What every message between workflows, activities and clients has in common."""

from pydantic import BaseModel, ConfigDict


class Contract(BaseModel):
    """One model in, one model out, for every workflow and activity.

    Frozen, and tolerant of fields that it does not know, so that workers of two versions can share a
    queue: new fields get defaults, old workers ignore them. Units stand in the names (`_ms`, `_hz`, `_db`).
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
