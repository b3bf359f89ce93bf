from pydantic import BaseModel, Field


class HealthResource(BaseModel):
    """The process answers. It says nothing of the engines: ask `/public-api/ready`."""

    status: str = Field(description="`ok`.")


class ReadyResource(BaseModel):
    """What is up. `degraded`: messages are accepted, but a part is down and turns or live tails wait for it."""

    status: str = Field(description="`ready` or `degraded`.")
    parts: dict[str, str] = Field(
        description="postgres, valkey, temporal, worker: `up`, `down` or `starting`. turns: `up`, or `no process` "
        "while no process that runs turns was seen in the last 10 s."
    )
    oldest_claimable_turn_seconds: float = Field(
        description="How long the turn that waits longest could have been begun; 0 when none waits."
    )
