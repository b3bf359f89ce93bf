"""What a process without traces pays for them: nothing."""

import subprocess
import sys

LOADED = """
import sys, neo.app, neo.instrumentation, neo.worker
print([name for name, module in sys.modules.items() if name.startswith("opentelemetry.sdk.") and module])
"""


def test_without_an_endpoint_nothing_of_the_library_is_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
