#!/usr/bin/env bash
# Runs a command with ANTARES_LEGACY_TEST_DB naming a PostgreSQL 15 of its own, on the loopback interface and in a
# temporary folder; it is gone when the command ends.
#
#   tests/real/postgresql.sh .venv/bin/pytest -m server
#
# Without PostgreSQL: installs Debian's package when run by root on a machine with apt; otherwise says so and
# leaves with 0, or with 1 when CI=true.
set -euo pipefail

export PATH="$PATH:/usr/lib/postgresql/15/bin"

if ! command -v initdb >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  # RUNLEVEL=1 keeps the package from starting a server of the machine's own.
  {
    apt-get update -qq &&
      RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends postgresql-15
  } >&2 || echo "apt-get could not install postgresql-15" >&2
fi
if ! command -v initdb >/dev/null || ! command -v pg_ctl >/dev/null; then
  echo "PostgreSQL 15 is not here and cannot be installed: the tests against it are left out" >&2
  [ "${CI:-}" != true ]
  exit
fi

folder=$(mktemp -d "${TMPDIR:-/tmp}/antares-postgresql.XXXXXX")
as=()
if [ "$(id -u)" = 0 ]; then # PostgreSQL refuses to run as root
  user=$(id -un postgres 2>/dev/null || echo nobody)
  chown "$user" "$folder"
  as=(runuser -u "$user" --)
fi

stop() {
  (cd / && "${as[@]}" pg_ctl --pgdata "$folder/data" --mode immediate stop >/dev/null 2>&1) || true
  rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
(umask 077 && printf '%s' "$password" >"$folder/password")
[ "${#as[@]}" = 0 ] || chown "$user" "$folder/password"

(cd / && "${as[@]}" initdb --pgdata "$folder/data" --username tests --pwfile "$folder/password" \
  --auth scram-sha-256 --encoding UTF8 --locale C --no-sync >/dev/null)

# Somebody may have the port: another one is tried then.
for attempt in 1 2 3 4 5; do
  port=$((20000 + ($(od -An -N2 -tu2 /dev/urandom) % 10000)))
  # Nothing of this has to survive: the tests are faster without waiting for the disk.
  if (cd / && "${as[@]}" pg_ctl --pgdata "$folder/data" --log "$folder/log" --wait --options \
    "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories=$folder -c fsync=off \
     -c synchronous_commit=off -c full_page_writes=off" start >/dev/null); then
    break
  fi
  if [ "$attempt" = 5 ]; then
    cat "$folder/log" >&2
    exit 1
  fi
done

ANTARES_LEGACY_TEST_DB="postgresql+psycopg://tests:$password@127.0.0.1:$port/postgres" "$@"
