/** What must hold at every moment: the bound of the pool, and an event loop that turns. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { MAX, type Place } from "./place.js";

/** A turn of the event loop that takes longer holds everyone up; the machine itself may be late by less. */
const LONGEST_TURN_MILLIS = 1_000;
/** A server may take so long to notice that a client is gone, and has been replaced. */
const NOTICE_MILLIS = 2_000;
const EVERY_MILLIS = 1_000;

export class Watch {
  readonly #places: readonly Place[];
  readonly #turns = monitorEventLoopDelay({ resolution: 10 });
  readonly #timer: NodeJS.Timeout;
  /** Since when a server has had more sessions than it may. */
  readonly #crowdedSince = new Map<Place, number>();
  longestTurnMillis = 0;

  constructor(places: readonly Place[]) {
    this.#places = places;
    this.#turns.enable();
    this.#timer = setInterval(() => this.#look(), EVERY_MILLIS);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#turns.disable();
    this.longestTurnMillis = this.#turns.max / 1e6;
    if (this.longestTurnMillis > LONGEST_TURN_MILLIS) {
      this.#places[0]!.figures.violated(`the event loop stood still for ${this.longestTurnMillis} ms`);
    }
  }

  #look(): void {
    for (const place of this.#places) {
      const { size, connecting } = place.pool.stats;
      if (size + connecting > MAX) {
        place.figures.violated(`${size} connections and ${connecting} to come, of at most ${MAX}`);
      }
      void this.#count(place);
    }
  }

  async #count(place: Place): Promise<void> {
    // SQLite keeps a closed connection's file descriptor while others of the process hold locks (POSIX), so that
    // descriptors count more than there are. The pool's own count is held to the letter above; at rest the descriptors
    // are counted too.
    if (place.server === undefined) return;
    const sessions = await place.database.countSessions().catch(() => 0); // the server is down
    const since = this.#crowdedSince.get(place);
    if (sessions <= MAX) this.#crowdedSince.delete(place);
    else if (since === undefined) this.#crowdedSince.set(place, performance.now());
    else if (performance.now() - since > NOTICE_MILLIS) {
      place.figures.violated(`${sessions} sessions at the server for ${NOTICE_MILLIS} ms, of at most ${MAX}`);
      this.#crowdedSince.delete(place);
    }
  }
}
