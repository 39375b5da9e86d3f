#!/usr/bin/env bash
# Runs once, when the PostgreSQL volume is new: a database and two roles a service. The owner migrates, the other runs.
set -euo pipefail
for service in matrix qms assignment records reporting gateway; do
  psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    -v owner="${service}_owner" -v app="${service}_app" -v name="$service" -v secret="$ATTEST_DATABASE_PASSWORD" <<'SQL'
CREATE ROLE :"owner" LOGIN PASSWORD :'secret';
CREATE ROLE :"app" LOGIN PASSWORD :'secret';
CREATE DATABASE :"name" OWNER :"owner";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"name" TO :"app";
SQL
done
