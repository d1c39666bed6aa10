#!/bin/sh
# The two roles and the database, once, as a superuser: see "Two roles" in docs/production.md. The passwords go by the
# environment, as arguments are everybody's to see.
set -eu
: "${CARE_OWNER_PASSWORD:?}" "${CARE_APP_PASSWORD:?}"
psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres <<'SQL'
\getenv owner CARE_OWNER_PASSWORD
\getenv app CARE_APP_PASSWORD
CREATE ROLE care_owner LOGIN PASSWORD :'owner';
CREATE ROLE care_app LOGIN PASSWORD :'app';
CREATE DATABASE care_journeys OWNER care_owner;
SQL
