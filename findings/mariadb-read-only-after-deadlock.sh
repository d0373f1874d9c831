#!/usr/bin/env bash
#
# Question   A transaction says SET SESSION tx_read_only = 1, and then the server rolls it back for a deadlock. Can the session still write?
# Guess      No: with SESSION the mode is that of "all subsequent transactions", and after ROLLBACK the server refuses at once.
# Versions   MariaDB 10.11.19, npm mariadb 3.5.4, Node.js 20.20
# Source     https://mariadb.com/docs/server/reference/sql-statements/transactions/set-transaction
# Behaviour  Once. @@tx_read_only says 1, but the first statement behind the deadlock writes, and is committed on its own; the second is refused. The
#            implicit rollback leaves the mode of the transaction that is over in force until a statement that uses a table has ended: DO 0 does not
#            count, reading a table does. So whoever uses the setting as a guard (no more writes, should this transaction fail) has a gap of one statement,
#            unless it is said once more behind the deadlock.
#
# Output
#   MariaDB 10.11.19-MariaDB-0+deb12u1, mariadb 3.5.4, Node.js v20.20.2
#   ROLLBACK | tx_read_only 1 | refused, refused
#   ER_LOCK_DEADLOCK | tx_read_only 1 | done, refused
#   ER_LOCK_DEADLOCK, do 0 | tx_read_only 1 | done, refused
#   ER_LOCK_DEADLOCK, set session tx_read_only = 1 | tx_read_only 1 | refused, refused
#   ER_LOCK_DEADLOCK, select * from test.written | tx_read_only 1 | refused, refused
#   as described
#
# Exit code: 0 as above, 1 it is different now, 2 a program is missing.
set -euo pipefail

skip() { echo "skipped: $1"; exit 2; }
for program in node npm mariadbd mariadb-install-db; do
  command -v "$program" >/dev/null || skip "there is no $program (apt-get install mariadb-server; Node.js 20 or newer)"
done

folder=$(mktemp -d)
server=
finish() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  rm -rf "$folder"
}
trap finish EXIT
cd "$folder"
npm install --silent --no-audit --no-fund mariadb@3.5.4 >npm.log 2>&1 || { cat npm.log; skip "npm could not install"; }

# The server is reached through a socket in the folder only. As root it runs under the account that came with its package.
account=
mkdir data
if [ "$(id -u)" = 0 ]; then account=--user=mysql; chmod 711 .; chown mysql data; fi
mariadb-install-db --no-defaults $account --datadir="$folder/data" --auth-root-authentication-method=normal \
  --skip-test-db >install.log 2>&1 || { cat install.log; skip "mariadb-install-db failed"; }
mariadbd --no-defaults $account --datadir="$folder/data" --socket="$folder/data/s" --pid-file="$folder/data/pid" \
  --tmpdir="$folder/data" --skip-networking --innodb-buffer-pool-size=32M >server.log 2>&1 &
server=$!

cat >finding.cjs <<'JS'
const { readFileSync } = require("node:fs");
const mariadb = require("mariadb");

const VERSION = JSON.parse(readFileSync("node_modules/mariadb/package.json", "utf8")).version;

const connect = async () => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await mariadb.createConnection({ socketPath: "data/s", user: "root" });
    } catch (error) {
      if (attempt === 300) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
};

const told = (promise) => promise.then(() => "done", (error) => error.code);

/** What becomes of two inserts behind the end of a transaction, and what ended it. */
async function after(end, between) {
  const session = await connect();
  await session.query("truncate test.written");
  await session.query("begin");
  await session.query("set session tx_read_only = 1");
  const ended = await end(session);
  if (between !== undefined) await session.query(between);
  const inserts = [];
  for (const n of [1, 2]) inserts.push(await told(session.query(`insert into test.written values (${n})`)));
  const [{ mode }] = await session.query("select @@session.tx_read_only as mode");
  await session.end();
  return `${ended}${between === undefined ? "" : `, ${between}`} | tx_read_only ${mode} | ${inserts.join(", ")}`;
}

/** The session is the victim: it has changed less than the other. */
async function deadlock(session) {
  const other = await connect();
  await other.query("begin");
  await other.query("update test.locked set x = x + 1 where id > 1");
  await session.query("update test.locked set x = x + 1 where id = 1");
  const first = told(session.query("update test.locked set x = x + 1 where id = 2"));
  await other.query("select sleep(0.5)");
  const second = told(other.query("update test.locked set x = x + 1 where id = 1"));
  const ended = await first;
  await second;
  await other.query("rollback");
  await other.end();
  return ended;
}

const rollback = async (session) => {
  await session.query("rollback");
  return "ROLLBACK";
};

async function main() {
  const setup = await connect();
  const [{ version }] = await setup.query("select version() as version");
  console.log(`MariaDB ${version}, mariadb ${VERSION}, Node.js ${process.version}`);
  await setup.query("create database test");
  await setup.query("create table test.locked (id int primary key, x int) engine=innodb");
  await setup.query("insert into test.locked select seq, 0 from test.seq_1_to_50");
  await setup.query("create table test.written (n int) engine=innodb");
  const refused = "ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION";
  const read = "select * from test.written";
  const again = "set session tx_read_only = 1";
  const cases = [
    [await after(rollback), `ROLLBACK | tx_read_only 1 | ${refused}, ${refused}`],
    [await after(deadlock), `ER_LOCK_DEADLOCK | tx_read_only 1 | done, ${refused}`],
    [await after(deadlock, "do 0"), `ER_LOCK_DEADLOCK, do 0 | tx_read_only 1 | done, ${refused}`],
    [await after(deadlock, again), `ER_LOCK_DEADLOCK, ${again} | tx_read_only 1 | ${refused}, ${refused}`],
    [await after(deadlock, read), `ER_LOCK_DEADLOCK, ${read} | tx_read_only 1 | ${refused}, ${refused}`],
  ];
  for (const [seen] of cases) console.log(seen.replaceAll(refused, "refused"));
  await setup.end();
  const same = cases.every(([seen, expected]) => seen === expected);
  console.log(same ? "as described" : "DIFFERENT NOW");
  process.exitCode = same ? 0 : 1;
}
main().catch((error) => {
  console.error(error);
  process.exit(1);
});
JS
timeout 120 node finding.cjs
