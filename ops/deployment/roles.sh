#!/bin/sh
# The two roles and the database, once, as a superuser: see "Two roles" in docs/production.md.
set -eu
psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres \
  --set=owner="$CARE_OWNER_PASSWORD" --set=app="$CARE_APP_PASSWORD" <<'SQL'
CREATE ROLE care_owner LOGIN PASSWORD :'owner';
CREATE ROLE care_app LOGIN PASSWORD :'app';
CREATE DATABASE care_journeys OWNER care_owner;
SQL
