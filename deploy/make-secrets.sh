#!/bin/sh
# Makes the cluster's secrets in `secrets/` beside this script, each in a file for those who read it. What is there stays.
#
# The passwords of a cluster that has them already are taken from the environment:
#     (set -a; . ./.env; deploy/make-secrets.sh)
#
# The folder is its owner's alone. The files in it are readable, because Compose mounts each as it is, and the users in
# the containers are others than the one that runs this.
set -eu
cd "$(dirname "$0")"
FOLDER=secrets ENV=../.env
umask 022

stop() {
    printf 'make-secrets: %s\n' "$1" >&2
    exit 1
}

# 192 bits, as letters and digits.
random() {
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

# NAME VALUE. A file that is there is never written again: what it opens would be shut.
make() {
    if [ -e "$FOLDER/$1" ]; then
        kept="$kept $1"
        return
    fi
    (set -C && printf '%s\n' "$2" > "$FOLDER/$1") || stop "$FOLDER/$1 could not be written"
}

# A password becomes a part of URLs.
password() {
    case $2 in *[!A-Za-z0-9]* | '') stop "$1 must be of letters and digits only" ;; esac
    make "$1" "$2"
}

is_in_env() {
    [ -e "$ENV" ] && grep -qE "^ *(export +)?$1 *=" "$ENV"
}

# With other passwords, nobody gets into the databases that there are.
if is_in_env APP_PASSWORD && [ ! -e "$FOLDER/app_password" ] && [ -z "${APP_PASSWORD:-}" ]; then
    stop "this cluster has its passwords in .env. Take them over: (set -a; . ./.env; deploy/make-secrets.sh)"
fi

kept=
mkdir -p "$FOLDER"
chmod 700 "$FOLDER"

password postgres_password "${POSTGRES_PASSWORD:-$(random)}"
password owner_password "${OWNER_PASSWORD:-$(random)}"
password app_password "${APP_PASSWORD:-$(random)}"
password temporal_password "${TEMPORAL_PASSWORD:-$(random)}"
password valkey_password "${VALKEY_PASSWORD:-$(random)}"

make neo_secret_key "${NEO_SECRET_KEY:-$(random)}"
make neo_database_url "postgresql+asyncpg://neo_app:$(cat "$FOLDER/app_password")@postgres:5432/neo"
make neo_database_owner_url "postgresql+asyncpg://neo_owner:$(cat "$FOLDER/owner_password")@postgres:5432/neo"
make neo_redis_url "redis://:$(cat "$FOLDER/valkey_password")@valkey:6379/0"
make valkey.conf "requirepass $(cat "$FOLDER/valkey_password")"

# Empty ones count as unset.
make neo_openai_api_key "${NEO_OPENAI_API_KEY:-}"
make neo_azure_openai_api_key "${NEO_AZURE_OPENAI_API_KEY:-}"
make neo_anthropic_api_key "${NEO_ANTHROPIC_API_KEY:-}"
make neo_compatible_api_key "${NEO_COMPATIBLE_API_KEY:-}"

[ -z "$kept" ] || printf 'make-secrets: kept what was there:%s\n' "$kept" >&2
# What stands in `.env` reaches each of Neo's containers.
if is_in_env '([A-Z]+_PASSWORD|NEO_SECRET_KEY|NEO_[A-Z_]*_API_KEY)'; then
    printf 'make-secrets: now take the passwords and keys out of .env\n' >&2
fi
