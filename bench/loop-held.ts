/**
 * How long one turn of the event loop takes at most while a megabyte of the worst is bound, sent, answered or refused:
 * the worst for each driver and each kind of param, as main thread's CPU time and by the clock. `LOOP_HELD=pg` asks one
 * driver, `LOOP_HELD_ROUNDS=1` measures once.
 */
import { readFileSync } from "node:fs";
import { ConnectionPool } from "adbapi";
import { server } from "./data.js";
import { median, verdict } from "./harness.js";

const MEGABYTE = 1_000_000;
const BUDGET_MILLIS = 50;
const ROUNDS = Number(process.env.LOOP_HELD_ROUNDS ?? 5);

const PIECES = ["a", "'", '"', "\\", "=(", '{"', "é", "\\x"];

const KINDS: Readonly<Record<string, (text: string) => unknown>> = {
  "a text": (text) => text,
  "a list": (text) => [text],
  "a list of many": (text) => Array.from({ length: 1_000 }, (_, n) => text.slice(n * 1_000, (n + 1) * 1_000)),
  "a list of lists": (text) => [[text.slice(0, MEGABYTE / 2)], [text.slice(MEGABYTE / 2)]],
  "JSON in a list": (text) => [{ text }],
  JSON: (text) => ({ text }),
};

type Kind = keyof typeof KINDS;

/** What is asked with a param, accepted or refused: the name of a text, and the text for each kind. */
const PG: Readonly<Record<string, (kind: Kind) => string>> = {
  accepted: (kind) => `select $1::${pgTypeOf(kind)}::text as a`,
  "refused by a cast": (kind) => `select $1::${pgTypeOf(kind)}::text::integer`,
  "refused before": () => "select nothing($1), $1",
};

const OTHERS: Readonly<Record<string, (kind: Kind) => string>> = {
  accepted: () => "select ? as a",
  "refused before": () => "select nothing(?), ?",
};

function pgTypeOf(kind: Kind): string {
  if (kind === "JSON") return "jsonb";
  if (kind === "JSON in a list") return "jsonb[]";
  return kind.includes("list") ? "text[]" : "text";
}

interface Held {
  readonly cpu: number;
  readonly clock: number;
}

interface Worst extends Held {
  readonly what: string;
}

export default async function question(): Promise<string> {
  const lines: string[] = [];
  for (const [driver, url] of await targets()) {
    await using pool = new ConnectionPool(driver as "pg", url, { max: 1, statementTimeoutMillis: 2_000 });
    for (const kind of Object.keys(KINDS)) {
      const worst = await worstOf(pool, driver === "pg" ? PG : OTHERS, kind);
      const met = verdict(Math.min(worst.cpu, worst.clock) <= BUDGET_MILLIS);
      const figures = `${worst.cpu.toFixed(1)} | ${worst.clock.toFixed(1)}`;
      lines.push(`| ${driver} | ${kind} | ${figures} | ${met} | ${worst.what} |`);
    }
  }
  return [
    `### The event loop beside 1 MB of the worst (budget ${BUDGET_MILLIS} ms)`,
    "",
    "| driver | param | main thread's CPU, ms | by the clock, ms | | worst with |",
    "| --- | --- | ---: | ---: | --- | --- |",
    ...lines,
    "",
  ].join("\n");
}

async function targets(): Promise<readonly (readonly [driver: string, url: string])[]> {
  const mariadb = await server("mariadb");
  const all = [
    ["pg", await server("postgres")],
    ["mysql2", mariadb],
    ["mariadb", mariadb],
    ["better-sqlite3", ":memory:"],
  ] as const;
  const asked = process.env.LOOP_HELD?.split(",");
  return all.flatMap(([driver, url]) =>
    url === undefined || asked?.includes(driver) === false ? [] : [[driver, url] as const],
  );
}

async function worstOf(pool: ConnectionPool, ways: typeof PG, kind: Kind): Promise<Worst> {
  let worst: Worst = { cpu: 0, clock: 0, what: "" };
  for (const [way, sqlOf] of Object.entries(ways)) {
    for (const piece of PIECES) {
      const param = KINDS[kind]!(piece.repeat(MEGABYTE / piece.length));
      const sql = sqlOf(kind);
      const params = Array.from(sql.matchAll(/\?|, \$1/g)).length > 1 ? [param, param] : [param];
      const held: Held[] = [];
      for (let round = 0; round <= ROUNDS; round++) {
        const once = await heldBy(() => settled(pool, sql, params));
        if (round > 0) held.push(once);
      }
      const cpu = median(held.map((each) => each.cpu));
      const clock = median(held.map((each) => each.clock));
      if (cpu > worst.cpu) worst = { cpu, clock, what: `${JSON.stringify(piece)}, ${way}` };
    }
  }
  return worst;
}

async function settled(pool: ConnectionPool, sql: string, params: readonly unknown[]): Promise<void> {
  try {
    await pool.runQuery(sql, params);
  } catch {
    // Refused by the server, or by the driver itself.
  }
}

/** The longest turn of the event loop while the work goes on. */
async function heldBy(work: () => Promise<unknown>): Promise<Held> {
  let [cpu, clock] = [0, 0];
  let [lastCpu, lastClock] = [cpuMillis(), performance.now()];
  let going = true;
  const look = () => {
    const [nowCpu, nowClock] = [cpuMillis(), performance.now()];
    cpu = Math.max(cpu, nowCpu - lastCpu);
    clock = Math.max(clock, nowClock - lastClock);
    [lastCpu, lastClock] = [nowCpu, nowClock];
    if (going) setImmediate(look);
  };
  setImmediate(look);
  await new Promise((done) => setImmediate(done));
  await work();
  await new Promise((done) => setImmediate(done));
  going = false;
  look();
  return { cpu, clock };
}

/** This thread's, on Linux; elsewhere that of the whole process. */
function cpuMillis(): number {
  try {
    return Number(readFileSync("/proc/thread-self/schedstat", "utf8").split(" ")[0]) / 1e6;
  } catch {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  }
}
