#!/bin/sh
# Temporal's own tables: made when they are not there, brought to this version when they are.
set -eu

SQL_PASSWORD=$(cat /run/secrets/temporal_password)
export SQL_PASSWORD

schema() {
    temporal-sql-tool --plugin postgres12 --ep postgres --port 5432 --user temporal --database "$1" setup-schema --version 0.0
    temporal-sql-tool --plugin postgres12 --ep postgres --port 5432 --user temporal --database "$1" update-schema \
        --schema-dir "/etc/temporal/schema/postgresql/v12/$2/versioned"
}

schema temporal temporal
schema temporal_visibility visibility
