import json
from pathlib import Path

from cli.neo_command import neo


async def test_an_unknown_setting_is_a_problem(tmp_path: Path) -> None:
    doctor = await neo("doctor", "--data", str(tmp_path), "--json", NEO_PROT="1")

    [check] = json.loads(doctor.out)["checks"]
    assert (doctor.code, check["state"]) == (1, "problem")
    assert "NEO_PORT" in check["said"]


async def test_a_folder_that_no_server_has_used_says_what_to_do(tmp_path: Path) -> None:
    doctor = await neo("doctor", "--data", str(tmp_path))

    assert doctor.code == 1
    assert "make run" in doctor.out


async def test_engines_that_are_away_are_named_with_their_variable(tmp_path: Path) -> None:
    url = "postgresql+asyncpg://app:secret@127.0.0.1:1/neo"
    doctor = await neo(
        "doctor",
        "--data",
        str(tmp_path),
        NEO_DATABASE_URL=url,
        NEO_DATABASE_OWNER_URL=url,
        NEO_SECRET_KEY="x" * 43,
        NEO_REDIS_URL="redis://127.0.0.1:1",
        NEO_TEMPORAL_ADDRESS="127.0.0.1:1",
        NEO_MODEL_FAST="openai:some-model",
    )

    assert doctor.code == 1
    for variable in ("NEO_DATABASE_URL", "NEO_REDIS_URL", "NEO_TEMPORAL_ADDRESS", "NEO_OPENAI_API_KEY"):
        assert variable in doctor.out
    assert "secret" not in doctor.out
