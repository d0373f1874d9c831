/** Clients at work and faults among them; then silence, in which everything must add up. */
import { setTimeout as sleep } from "node:timers/promises";
import { Havoc } from "./havoc.js";
import { describe } from "./ledger.js";
import type { Place } from "./place.js";
import type { Random } from "./random.js";
import { Watch } from "./watch.js";
import { isExpected, WORK } from "./work.js";

/** The longest that a caller may wait for an answer: acquire, retries and the settling of a cancel are all bounded. */
const LAST_ANSWER_MILLIS = 45_000;

/** Fires with the longest turn of the event loop. */
export async function round(
  places: readonly Place[],
  random: Random,
  clients: number,
  millis: number,
): Promise<number> {
  const watch = new Watch(places);
  const stop = new AbortController();
  const working = places.flatMap((place) =>
    Array.from({ length: clients }, (_, n) => client(place, random.fork(`${place.name} ${n}`), stop.signal)),
  );
  const havoc = places.map((place) => new Havoc(place, random.fork(`${place.name} faults`)));
  await sleep(millis);
  stop.abort();
  await Promise.all(havoc.map((one) => one.end()));
  await Promise.race([Promise.all(working), sleep(LAST_ANSWER_MILLIS, undefined, { ref: false })]);
  watch.end();
  for (const place of places) {
    for (const what of place.ledger.forgotten()) place.figures.violated(`no answer for ${what}`);
  }
  await Promise.all(
    places.map(async (place) => {
      await place.rest();
      await place.audit();
    }),
  );
  return watch.longestTurnMillis;
}

async function client(place: Place, random: Random, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    await sleep(random.between(0, 40));
    const started = performance.now();
    try {
      await random.weighted(WORK)(place, random);
    } catch (error) {
      count(place, error);
    }
    place.figures.took(performance.now() - started);
  }
}

function count(place: Place, error: unknown): void {
  const { name } = error as Error;
  if (name === "CancelledError") place.figures.count("cancels");
  else if (name === "StatementTimeout") place.figures.count("timeouts");
  else place.figures.count("failures");
  if (!isExpected(error)) place.figures.violated(`an error of another kind: ${describe(error)}`);
}
