#!/bin/sh
# Runs once, when the volume is new: Neo's two roles and its database, and Temporal's role and databases.
# The passwords are part of URLs, so they must be of letters and digits.
set -eu

psql --username "$POSTGRES_USER" --dbname postgres --set ON_ERROR_STOP=1 \
    --set owner="$OWNER_PASSWORD" --set app="$APP_PASSWORD" --set temporal="$TEMPORAL_PASSWORD" <<'SQL'
CREATE ROLE neo_owner LOGIN PASSWORD :'owner' NOSUPERUSER NOBYPASSRLS;
CREATE ROLE neo_app LOGIN PASSWORD :'app' NOSUPERUSER NOBYPASSRLS;
CREATE DATABASE neo OWNER neo_owner;
REVOKE TEMPORARY ON DATABASE neo FROM PUBLIC;
CREATE ROLE temporal LOGIN PASSWORD :'temporal' NOSUPERUSER NOBYPASSRLS;
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
SQL
