#!/usr/bin/env bash
# Installs the Debian packages that the tests, the benchmark and the guides use: PostgreSQL (store tests), Chromium (tests of
# the pages), nginx (the benchmark's yardstick) and bubblewrap (what closes in code of models, and the guide on children). Run as root. The portal itself
# needs none of them.
set -euo pipefail

if [ "$(id -u)" -ne 0 ]; then
  echo "install-debian.sh: run this as root: sudo scripts/install-debian.sh" >&2
  exit 1
fi

echo "installing: postgresql (store tests), chromium-headless-shell (tests of the pages), nginx-light (benchmark), bubblewrap (the guide on children)"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends postgresql chromium-headless-shell nginx-light bubblewrap

# The tests make and drop databases of their own as the user postgres, from this machine only.
hba="$(su postgres -c "psql -tAc 'show hba_file'")"
if ! grep -q '^# portico tests' "$hba"; then
  printf '# portico tests\nhost all postgres 127.0.0.1/32 trust\n%s\n' "$(cat "$hba")" > "$hba.new"
  cat "$hba.new" > "$hba"
  rm "$hba.new"
  su postgres -c "psql -qc 'select pg_reload_conf()'" > /dev/null
fi
echo "done: PostgreSQL answers postgres@127.0.0.1:5432 without a password, from this machine only"
