#!/bin/sh
# Runs once, when the volume is new: Neo's two roles and its database, and Temporal's role and databases.
# psql reads the passwords itself, so that they are on nobody's command line.
set -eu

psql --username "$POSTGRES_USER" --dbname postgres --set ON_ERROR_STOP=1 <<'SQL'
\set owner `cat /run/secrets/owner_password`
\set app `cat /run/secrets/app_password`
\set temporal `cat /run/secrets/temporal_password`
CREATE ROLE neo_owner LOGIN PASSWORD :'owner' NOSUPERUSER NOBYPASSRLS;
CREATE ROLE neo_app LOGIN PASSWORD :'app' NOSUPERUSER NOBYPASSRLS;
CREATE DATABASE neo OWNER neo_owner;
REVOKE TEMPORARY ON DATABASE neo FROM PUBLIC;
CREATE ROLE temporal LOGIN PASSWORD :'temporal' NOSUPERUSER NOBYPASSRLS;
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
SQL
