/**
 * Redis calls as Deferreds: users kept as hashes, and a cache that asks the database once.
 *
 * A hundred simultaneous readers miss the cache; a lock lets one of them ask the database, for all.
 *
 *     npm run example redis                     Redis on localhost, or REDIS_URL
 */
import {
  CancelledError,
  ConnectionPool,
  Deferred,
  DeferredLock,
  gatherResults,
  inlineCallbacks,
} from "adbapi";
import { Redis } from "ioredis";

const redis = new Redis(process.env.REDIS_URL ?? "redis://localhost:6379", {
  keyPrefix: "adbapi-example:",
  lazyConnect: true,
  retryStrategy: () => null,
});
let trouble = "no answer";
redis.on("error", ({ message }) => {
  trouble = message;
});

const pool = new ConnectionPool("better-sqlite3", ":memory:");

// Each of ioredis's promises becomes a Deferred with one call.
const hmset = (key: string, fields: Record<string, string>) => Deferred.fromPromise(redis.hmset(key, fields));
const hget = (key: string, field: string) => Deferred.fromPromise(redis.hget(key, field));

/** Gives up after two seconds: this is no server that waits for another. */
const connected = () =>
  Deferred.fromPromise(redis.connect())
    .addTimeout(2_000)
    .addErrback((failure) => {
      if (failure.check(CancelledError)) return failure;
      const { host, port } = redis.options; // Not the URL, which may hold a password.
      throw new Error(`No Redis at ${host}:${port} (${trouble}): start one, or set REDIS_URL`);
    });

/** The classic: set a hash, read it back, one callback and one errback. */
function remember(user: string, password: string) {
  return hmset(`user:${user}`, { password })
    .addCallback(() => hget(`user:${user}`, "password"))
    .addCallbacks(
      (found) => console.log(`password of ${user}: ${found}`),
      (failure) => console.error(`no Redis for ${user}: ${failure.getErrorMessage()}`),
    );
}

let queries = 0;
const lock = new DeferredLock();

/** Looks in Redis, else in the database, whose answer it leaves in Redis for a minute. */
const population = inlineCallbacks(function* (city: string) {
  const key = `population:${city}`;
  const cached = yield* Deferred.fromPromise(redis.get(key));
  if (cached !== null) return Number(cached);
  using _held = yield* lock.acquire();
  // Whoever held the lock before may have filled it.
  const filled = yield* Deferred.fromPromise(redis.get(key));
  if (filled !== null) return Number(filled);
  queries += 1;
  const [row] = yield* pool.runQuery<{ people: number }>("select people from cities where name = ?", [city]);
  if (row === undefined) throw new RangeError(`There is no city of ${city}`);
  yield* Deferred.fromPromise(redis.set(key, row.people, "EX", 60));
  return row.people;
});

const story = inlineCallbacks(function* () {
  yield* connected();
  yield* remember("abc", "123");

  yield* pool.runOperation("create table cities (name text primary key, people integer)");
  yield* pool.runOperation("insert into cities values ('Lisbon', 567131)");
  yield* Deferred.fromPromise(redis.del("population:Lisbon", "population:Atlantis"));
  const readers = Array.from({ length: 100 }, () => population("Lisbon"));
  const answers = new Set(yield* gatherResults(readers));
  console.log(`${readers.length} simultaneous readers, ${queries} query: ${[...answers]} people in Lisbon`);

  yield* population("Atlantis").addErrback((failure) => {
    failure.trap(RangeError);
    console.log(failure.getErrorMessage());
  });
});

const told = story();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => told.cancel());
told
  .addErrback((failure) => {
    if (failure.check(CancelledError)) return;
    console.error(failure.getErrorMessage());
    process.exitCode = 1;
  })
  .addBoth(() => {
    if (redis.status !== "end") redis.disconnect();
  })
  .addBoth(() => pool.close());
