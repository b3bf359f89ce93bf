"""One call of a tool: what it leaves behind.

What a call brought that is too long for a prompt is kept whole as an artifact, for thirty days, and counts as what its
tenant stores.
"""

from neo.calls.artifacts.keep import Artifacts
from neo.calls.artifacts.models import Artifact
from neo.calls.artifacts.store import ArtifactStore
from neo.calls.artifacts.sweep import ArtifactSweeper

__all__ = ["Artifact", "ArtifactStore", "ArtifactSweeper", "Artifacts"]
