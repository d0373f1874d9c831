/** A program of each driver where Node.js forbids something: the ways that a statement can go, without a failure. */
import betterSqlite3 from "better-sqlite3/package.json" with { type: "json" };
import { expect, test } from "vitest";
import { ChildProgram } from "../support/child-program.js";
import { describeEach, TARGETS, type Target } from "../support/targets.js";

const MAIN_PATHS = `
  await pool.runOperation("create table t (a integer, b varchar(10))");
  // Often enough that a package which makes code for a text has made it.
  for (let times = 0; times < 10; times++) {
    await pool.runOperation(sql("insert into t (a, b) values (?, ?)"), [times, "x"]);
    await pool.runInteraction(async (t) => {
      const [{ n }] = await t.runQuery("select count(*) as n from t");
      if (Number(n) !== 3 * times + 1) throw new Error(n + " rows");
      await t.runInteraction((nested) => nested.runQuery("select a, b from t"));
      await t.executeMany(sql("insert into t (a, b) values (?, ?)"), [[1, "y"], [2, null]]);
    });
    for await (const row of pool.runStream(sql("select b, a from t where a >= ?"), [0])) {
      if (!("b" in row)) throw new Error(JSON.stringify(row));
    }
    await pool.runWithConnection(async (connection) => {
      const cursor = connection.cursor();
      await cursor.execute("select a, 'z' as b from t");
      if ((await cursor.fetchOne())?.b !== "z") throw new Error("no row");
    });
  }
  const failed = await pool.runQuery("select * from nothing").catch((error) => error);
  if (failed.name !== "ProgrammingError") throw failed;
  await pool.close();
  console.log("done");`;

/** What SQLite alone has: a write that gives rows is done once, and once only. */
const RETURNING = `
  for (let times = 0; times < 5; times++) {
    const [{ a }] = await pool.runQuery("insert into t values (?, 'r') returning a", [times]);
    if (a !== times) throw new Error(a);
  }
  const [{ n }] = await pool.runQuery("select count(*) as n from t");
  if (n !== 5) throw new Error(n + " rows");
  await pool.runWithConnection((connection) => connection.cursor().execute("create temporary table own (a)"));
  if ((await pool.runQuery("select count(*) as n from t"))[0].n !== 5) throw new Error("lost");
  await pool.close();
  console.log("done");`;

const FLAGS = ["--disallow-code-generation-from-strings", "--frozen-intrinsics"];
// better-sqlite3 12 finds its binary by a package that sets what is frozen.
const flagsOf = ({ name }: Target) =>
  name === "better-sqlite3" && betterSqlite3.version.startsWith("12.") ? FLAGS.slice(0, 1) : FLAGS;

describeEach(TARGETS, (target) => {
  test.each(flagsOf(target))("%s", async (flag) => {
    await using database = await target.createDatabase();
    expect(await run([flag], target, database.connectArgs, MAIN_PATHS)).toEqual({
      status: 0,
      output: "done\n",
    });
  });
});

describeEach(
  TARGETS.filter(({ server }) => server === undefined),
  (target) => {
    test.each(flagsOf(target))("%s, a private database", async (flag) => {
      const text = `await pool.runOperation("create table t (a, b)");${RETURNING}`;
      expect(await run([flag], target, ":memory:", text)).toEqual({ status: 0, output: "done\n" });
    });
  },
);

async function run(flags: readonly string[], target: Target, connectArgs: unknown, text: string) {
  const code = `
    import { ConnectionPool } from "adbapi";
    const pool = new ConnectionPool(...${JSON.stringify([target.name, connectArgs])}, ${JSON.stringify(target.poolOptions)});
    const numeric = pool.paramstyle === "numeric";
    const sql = (text) => { let n = 0; return numeric ? text.replace(/\\?/g, () => "$" + ++n) : text; };
    ${text}`;
  await using child = new ChildProgram(["--no-warnings", ...flags, "--input-type=module", "--eval", code]);
  const ended = await child.ended();
  return ended;
}
