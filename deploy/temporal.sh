#!/bin/sh
# Temporal's server takes its password from its environment only, so it is put there at the last moment: nothing that
# describes the container shows it.
set -eu

POSTGRES_PWD=$(cat /run/secrets/temporal_password)
export POSTGRES_PWD
exec /etc/temporal/entrypoint.sh
