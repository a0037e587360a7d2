#!/bin/sh
# Creates the database of the records and its user; brings the password up to date. Harmless when there is nothing to do.
# PGHOST, PGUSER and PGDATABASE are psql's own variables, set in compose.yaml.
set -eu
PGPASSWORD="$(cat /run/secrets/postgres_password)"
password="$(cat /run/secrets/voicewright_database_password)"
export PGPASSWORD

psql --quiet --set ON_ERROR_STOP=1 --set password="$password" <<'SQL'
SELECT 'CREATE ROLE voicewright LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'voicewright') \gexec
ALTER ROLE voicewright PASSWORD :'password';
SELECT 'CREATE DATABASE voicewright OWNER voicewright'
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'voicewright') \gexec
SQL
