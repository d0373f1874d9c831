#!/usr/bin/env bash
#
# Question   Does a batch store what its rows store when they are sent one by one?
# Guess      Yes: a batch is the same statement for each row, with fewer round trips.
# Versions   MariaDB 10.11.19, npm mariadb 3.5.4, Node.js 20.20
# Source     https://mariadb.com/kb/en/com_stmt_bulk_execute/
#            https://github.com/mariadb-corporation/mariadb-connector-nodejs/blob/main/documentation/promise-api.md (connection.batch)
#            https://github.com/mariadb-corporation/mariadb-connector-nodejs/issues/134, MDEV-23864 (the first case, known since 2020)
# Behaviour  Where the server offers it, the connector sends a batch as COM_STMT_BULK_EXECUTE. The server runs a subquery in VALUES once, with the params
#            of the first row, and stores that answer in every row: no error, no warning. With `bulk: false` the rows are right. So an option that is
#            about speed decides what is stored.
#
# Output
#   MariaDB 10.11.19-MariaDB-0+deb12u1, mariadb 3.5.4, Node.js v20.20.2
#   insert into test.t values (?, (select name from test.names where id = ?))
#     one by one         ["one","two","three"]
#     batch, bulk: false ["one","two","three"]
#     batch              ["one","one","one"]
#   insert into test.t values (?, (select count(*) from test.names where id < ?))
#     one by one         ["0","1","2"]
#     batch, bulk: false ["0","1","2"]
#     batch              ["0","0","0"]
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

const connect = async (options) => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await mariadb.createConnection({ socketPath: "data/s", user: "root", ...options });
    } catch (error) {
      if (attempt === 300) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
};

/** What three rows become. */
async function stored(connection, sql, lists, send) {
  await connection.query("create or replace table test.t (id int primary key, n varchar(9))");
  await send(connection, sql, lists);
  return JSON.stringify((await connection.query("select n from test.t order by id")).map(({ n }) => n));
}

const oneByOne = async (connection, sql, lists) => {
  for (const list of lists) await connection.execute(sql, list);
};
const batch = (connection, sql, lists) => connection.batch(sql, lists);

async function main() {
  const bulk = await connect({});
  const plain = await connect({ bulk: false });
  const [{ version }] = await bulk.query("select version() as version");
  console.log(`MariaDB ${version}, mariadb ${VERSION}, Node.js ${process.version}`);
  await bulk.query("create database if not exists test");
  await bulk.query("create table test.names (id int primary key, name varchar(9))");
  await bulk.query("insert into test.names values (1, 'one'), (2, 'two'), (3, 'three')");
  let same = true;
  const cases = [
    ["insert into test.t values (?, (select name from test.names where id = ?))", [[1, 1], [2, 2], [3, 3]], '["one","two","three"]', '["one","one","one"]'],
    ["insert into test.t values (?, (select count(*) from test.names where id < ?))", [[1, 1], [2, 2], [3, 3]], '["0","1","2"]', '["0","0","0"]'],
  ];
  for (const [sql, lists, right, seen] of cases) {
    console.log(sql);
    const told = {
      "one by one": [await stored(bulk, sql, lists, oneByOne), right],
      "batch, bulk: false": [await stored(plain, sql, lists, batch), right],
      batch: [await stored(bulk, sql, lists, batch), seen],
    };
    for (const [way, [is, was]] of Object.entries(told)) {
      console.log(`  ${way.padEnd(18)} ${is}`);
      if (is !== was) same = false;
    }
  }
  await bulk.end();
  await plain.end();
  console.log(same ? "as described" : "DIFFERENT NOW");
  process.exitCode = same ? 0 : 1;
}
main().catch((error) => {
  console.error(error);
  process.exit(1);
});
JS
timeout 120 node finding.cjs
