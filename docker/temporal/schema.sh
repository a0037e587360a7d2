#!/bin/sh
# Creates Temporal's two databases and brings their tables up to this release; harmless when there is nothing to do.
# SQL_HOST, SQL_PORT, SQL_PLUGIN and SQL_USER are temporal-sql-tool's own variables, set in compose.yaml.
set -eu
SQL_PASSWORD="$(cat /run/secrets/postgres_password)"
export SQL_PASSWORD

for store in temporal visibility; do
  database=temporal
  if [ "$store" = visibility ]; then database=temporal_visibility; fi
  temporal-sql-tool --db "$database" create
  temporal-sql-tool --db "$database" setup-schema -v 0.0
  temporal-sql-tool --db "$database" update-schema -d "/etc/temporal/schema/postgresql/v12/$store/versioned"
done
