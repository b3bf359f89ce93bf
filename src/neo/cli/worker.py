import sys


def worker() -> None:
    """Run turns against shared engines; start as many as wanted.

    Needs NEO_DATABASE_URL, NEO_REDIS_URL, NEO_TEMPORAL_ADDRESS and a model (NEO_MODEL_FAST). SIGTERM lets running
    turns finish within NEO_DRAIN_SECONDS and hands the rest to another worker.
    """
    from neo.worker_process import run_worker  # noqa: PLC0415 - the other commands need none of its imports.

    sys.exit(run_worker())
