"""Says what confines the programs that read strangers' bytes, on this machine and for the doctor's own user."""

from typing import TYPE_CHECKING

from neo.cli.doctor.findings import Finding, fine, problem, warning

if TYPE_CHECKING:
    from neo.cage import Cage

NAME = "cage"
NEXT_STEP = (
    "run Neo on Linux (x86-64, AArch64), and let the container's profile allow prctl(2) and seccomp(2)"
)


async def check_cage(cage: "Cage", *, is_strict: bool) -> list[Finding]:
    from neo.cage import LAYERS, MINIMUM  # noqa: PLC0415 - imports of seconds stay out of `--help`.

    missing = await cage.missing()
    given = ", ".join(layer for layer in LAYERS if layer not in missing) or "nothing"
    less = "; ".join(f"no {layer} ({reason})" for layer, reason in missing.items())
    said = f"Less than whole: {less}. Given: {given}." if missing else f"Whole: {given}."
    if all(layer not in missing for layer in MINIMUM):
        return [fine(NAME, said)]
    if is_strict:
        return [problem(NAME, f"{said} Images are not decoded.", NEXT_STEP)]
    return [warning(NAME, f"{said} A decoder that is taken over has what Neo has.", NEXT_STEP)]
