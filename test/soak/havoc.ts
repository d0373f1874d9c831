/** Faults from outside, one after the other, until it is told to stop; then everything is mended. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Place } from "./place.js";
import type { Random } from "./random.js";

type Fault = (place: Place, random: Random) => Promise<void>;

export class Havoc {
  readonly #place: Place;
  readonly #random: Random;
  readonly #stop = new AbortController();
  readonly #over: Promise<void>;

  constructor(place: Place, random: Random) {
    this.#place = place;
    this.#random = random;
    this.#over = this.#run();
  }

  /** Fires once everything is as it should be. */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.#over;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted && this.#place.server !== undefined) {
      await sleep(this.#random.between(50, 700), undefined, { signal }).catch(() => {});
      if (signal.aborted) break;
      await this.#random.weighted(FAULTS)(this.#place, this.#random);
    }
  }
}

const killSession: Fault = async ({ figures, target, database }, random) => {
  const sql =
    target.server === "postgres"
      ? "select pid as id from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() order by 1"
      : "select id from information_schema.processlist where db = database() and id <> connection_id() order by 1";
  const sessions = await database.observe(sql);
  if (sessions.length === 0) return;
  figures.count("session kills");
  await database.killSession(random.pick(sessions).id);
};

/** The whole server, with SIGKILL; it comes back with its data. */
const killServer: Fault = async ({ figures, server }, random) => {
  figures.count("server kills");
  await server!.kill();
  await sleep(random.between(0, 500));
  await server!.start();
};

const cutAll: Fault = async ({ figures, forwarder }) => {
  figures.count("cuts");
  await forwarder!.cut();
};

/** The connection that carries a certain byte. */
const cutOne: Fault = ({ figures, forwarder }, random) => {
  const direction = random.pick(["to server", "to client"] as const);
  const cut = forwarder!.cutAfterBytes(random.between(1, 20_000), direction);
  return counted(cut, () => figures.count("cuts"));
};

/** COMMIT is lost, or its answer is. */
const cutAtCommit: Fault = ({ figures, forwarder }, random) => {
  const cut = random.chance(0.7) ? forwarder!.cutAfter("commit") : forwarder!.cutBefore("commit");
  return counted(cut, () => figures.count("cuts"));
};

const stall: Fault = async ({ figures, forwarder }, random) => {
  figures.count("stalls");
  forwarder!.stall();
  await sleep(random.between(10, 1_500));
  forwarder!.resume();
};

const refuse: Fault = async ({ forwarder }, random) => {
  forwarder!.refuse();
  await sleep(random.between(10, 500));
  await forwarder!.accept();
};

const delay: Fault = async ({ forwarder }, random) => {
  forwarder!.delay(random.between(1, 10));
  await sleep(500);
  forwarder!.delay(0);
};

const FAULTS: readonly (readonly [weight: number, fault: Fault])[] = [
  [8, killSession],
  [1, killServer],
  [2, cutAll],
  [6, cutOne],
  [6, cutAtCommit],
  [2, stall],
  [1, refuse],
  [2, delay],
];

/** A trap may never be sprung: the next one takes its place. */
async function counted(sprung: Promise<void>, count: () => void): Promise<void> {
  await Promise.race([sprung.then(count), sleep(500)]);
}
