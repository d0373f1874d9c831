/**
 * `npm run soak -- --minutes 5 --seed 7 --clients 60 --targets pg,mariadb`: random work on all servers at once, while
 * they are killed and cut off, and a ledger outside of the databases that must agree with them. Ends with status 1 when
 * anything was violated.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { mariadbTarget, mysql2Target } from "../support/mysql-targets.js";
import { pgTarget } from "../support/postgres-target.js";
import { betterSqlite3Target } from "../support/sqlite-targets.js";
import { table } from "./figures.js";
import { describe } from "./ledger.js";
import { Place } from "./place.js";
import { Random } from "./random.js";
import { Memory, openHandles } from "./residue.js";
import { round } from "./round.js";

const TARGETS = [pgTarget, mysql2Target, mariadbTarget, betterSqlite3Target];

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "5" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 32)) },
    clients: { type: "string", default: "60" },
    targets: { type: "string", default: TARGETS.map(({ name }) => name).join() },
  },
});
const seed = Number(values.seed);
const clients = Number(values.clients);
const chosen = values.targets.split(",");
console.log(
  `soak: ${values.minutes} minutes, seed ${seed}, ${clients} clients for each of ${values.targets}`,
);

const stray: string[] = [];
process.on("unhandledRejection", (error) => stray.push(`unhandled: ${describe(error)}`));
process.on("uncaughtException", (error) => stray.push(`uncaught: ${describe(error)}\n${error.stack}`));

const before = openHandles();
console.log("servers are starting");
const places = await Promise.all(TARGETS.filter(({ name }) => chosen.includes(name)).map(Place.open));
const memory = new Memory();
const random = new Random(seed);
const end = performance.now() + Number(values.minutes) * 60_000;
let longestTurnMillis = 0;
for (let rounds = 0; performance.now() < end; rounds++) {
  const millis = Math.min(15_000, end - performance.now());
  const turn = await round(places, random.fork(`round ${rounds}`), clients, millis);
  longestTurnMillis = Math.max(longestTurnMillis, turn);
  memory.sample();
  const violated = places.reduce((sum, { figures }) => sum + figures.violations.length, 0);
  console.log(
    `round ${rounds + 1}: ${Math.round((end - performance.now()) / 1_000)} s left, ${violated} violations`,
  );
}
await Promise.all(places.map((place) => place[Symbol.asyncDispose]()));
await sleep(500);

const violations = [
  ...places.flatMap(({ name, figures }) => figures.violations.map((what) => `${name}: ${what}`)),
  ...stray,
  ...memory.growth(),
  ...openHandles(before).map((handle) => `left open: ${handle}`),
];
console.log(`\n${table(places)}\n`);
console.log(
  `heap after gc: ${memory.summary()}; longest turn of the event loop: ${longestTurnMillis.toFixed(0)} ms`,
);
console.log(`seed ${seed}: ${violations.length} violations`);
for (const violation of violations) console.error(`VIOLATED ${violation}`);
process.exitCode = violations.length === 0 ? 0 : 1;
setTimeout(() => {
  console.error("VIOLATED the process does not end by itself");
  process.exit(1);
}, 10_000).unref();
