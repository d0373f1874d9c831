#!/usr/bin/env bash
#
# Question   What does pg_stat_get_xact_tuples_inserted() count in a transaction that has inserted nothing?
# Guess      0: the manual says that the pg_stat_xact_ views count what the current transaction has done so far.
# Versions   PostgreSQL 15.20, npm pg 8.23.1, Node.js 20.20
# Source     https://www.postgresql.org/docs/15/monitoring-stats.html (pg_stat_xact_all_tables), src/backend/utils/activity/pgstat_relation.c
# Behaviour  It counts all that the session has not handed to the shared statistics yet. That happens between transactions, at most once a second. So the
#            inserts of the session's earlier, committed transactions are counted too, for up to a second of work (or 10 s of idling). Only after a flush,
#            such as pg_stat_force_next_flush() asks for, do the numbers begin at 0. To find what a transaction did, take the difference of two readings in it.
#
# Output
#   PostgreSQL 15.20 (Debian 15.20-0+deb12u1), pg 8.23.1, Node.js v20.20.2
#   inserts of a transaction without any, after a flush: 0
#   inserts of a transaction without any, else: 5
#   as described
#
# Exit code: 0 as above, 1 it is different now, 2 a program is missing.
set -euo pipefail

skip() { echo "skipped: $1"; exit 2; }
PATH=$PATH:$(printf '%s:' /usr/lib/postgresql/*/bin)
for program in node npm initdb postgres; do
  command -v "$program" >/dev/null || skip "there is no $program (apt-get install postgresql; Node.js 20 or newer)"
done

folder=$(mktemp -d)
server=
finish() {
  if [ -n "$server" ]; then kill -INT "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  rm -rf "$folder"
}
trap finish EXIT
cd "$folder"
npm install --silent --no-audit --no-fund pg@8.23.1 >npm.log 2>&1 || { cat npm.log; skip "npm could not install"; }

# The server is reached through a socket in the folder only. It refuses to run as root: then under the account that came with its package.
as=(env)
mkdir data
if [ "$(id -u)" = 0 ]; then
  command -v setpriv >/dev/null || skip "there is no setpriv; run this as an ordinary user"
  as=(setpriv --reuid=postgres --regid=postgres --clear-groups); chmod 711 .; chown postgres data
fi
"${as[@]}" initdb -D "$folder/data" -U postgres --auth=trust --no-sync >initdb.log 2>&1 || { cat initdb.log; skip "initdb failed"; }
"${as[@]}" postgres -D "$folder/data" -k "$folder/data" -h "" -c fsync=off >server.log 2>&1 &
server=$!

cat >finding.cjs <<'JS'
const { Client } = require("pg");

const connect = async () => {
  for (let attempt = 1; ; attempt++) {
    const client = new Client({ host: `${process.cwd()}/data`, user: "postgres", database: "postgres" });
    try {
      await client.connect();
      return client;
    } catch (error) {
      if (attempt === 300) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
};

async function main() {
  const client = await connect();
  const one = async (sql) => Object.values((await client.query(sql)).rows[0])[0];
  console.log(`PostgreSQL ${await one("show server_version")}, pg ${require("pg/package.json").version}, Node.js ${process.version}`);
  await client.query("create table t (a int)");
  /** What a transaction that inserts nothing is told of its inserts, once those before it are committed. */
  const counted = async (flush) => {
    await client.query("insert into t select generate_series(1, 5)");
    if (flush) await client.query("select pg_stat_force_next_flush()");
    await client.query("begin");
    const count = Number(await one("select pg_stat_get_xact_tuples_inserted('t'::regclass)"));
    await client.query("commit");
    return count;
  };
  const rounds = { "after a flush": [], "else": [] };
  for (let round = 0; round < 20; round++) {
    rounds["after a flush"].push(await counted(true));
    rounds.else.push(await counted(false));
  }
  for (const [when, counts] of Object.entries(rounds)) {
    const seen = [...new Set(counts)].sort((a, b) => a - b);
    console.log(`inserts of a transaction without any, ${when}: ${seen.join(" or ")}`);
  }
  await client.end();
  // A machine that sleeps for a second between two statements flushes by itself: one round is enough.
  const same = rounds["after a flush"].every((n) => n === 0) && rounds.else.some((n) => n > 0);
  console.log(same ? "as described" : "DIFFERENT NOW");
  process.exitCode = same ? 0 : 1;
}
main().catch((error) => {
  console.error(error);
  process.exit(1);
});
JS
timeout 120 node finding.cjs
