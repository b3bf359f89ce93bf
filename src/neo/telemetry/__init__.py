"""What operators see of a process: logs, metrics and traces. No message text and no secret goes in.

Logs can be grepped by request, session and turn id. Metrics are counted always, which costs about a
microsecond each, and served when a port is set; their labels are words of a fixed set, never ids. Traces are
made only when there is somewhere to send them. Instruments live as long as the process, so they are modules.
"""

from neo.telemetry import process_metrics, traces, turn_metrics
from neo.telemetry.logs import configure_logs
from neo.telemetry.process_metrics import measure_loop_lag

__all__ = [
    "configure_logs",
    "measure_loop_lag",
    "process_metrics",
    "traces",
    "turn_metrics",
]
