/**
 * Redis calls as Deferreds: users kept as hashes, then a cache in front of a slow query, with a lock that lets one of
 * a hundred simultaneous readers ask the database.
 *
 *     npm run example redis                     Redis on localhost, or REDIS_URL
 */
import { ConnectionPool, Deferred, DeferredLock, gatherResults, inlineCallbacks } from "adbapi";
import { Redis } from "ioredis";

const redis = new Redis(process.env.REDIS_URL ?? "redis://localhost:6379", {
  keyPrefix: "adbapi-example:",
  maxRetriesPerRequest: 1,
});
redis.on("error", (error) => console.error(`Redis: ${error.message}`));

const pool = new ConnectionPool("better-sqlite3", ":memory:");

// Each of ioredis's promises becomes a Deferred with one call.
const hmset = (key: string, fields: Record<string, string>) => Deferred.fromPromise(redis.hmset(key, fields));
const hget = (key: string, field: string) => Deferred.fromPromise(redis.hget(key, field));

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

async function main() {
  await remember("abc", "123");

  await pool.runOperation("create table cities (name text primary key, people integer)");
  await pool.runOperation("insert into cities values ('Lisbon', 567131)");
  await redis.del("population:Lisbon", "population:Atlantis");
  const readers = Array.from({ length: 100 }, () => population("Lisbon"));
  const [first, ...others] = await gatherResults(readers);
  console.log(`${readers.length} simultaneous readers: ${first} people each, ${queries} query`);
  console.log(`all the same: ${others.every((people) => people === first)}`);

  await population("Atlantis").addErrback((failure) => {
    failure.trap(RangeError);
    console.log(failure.getErrorMessage());
  });
}

// What waits for Redis fails then, and the end of main is reached all the same.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => redis.disconnect());
try {
  await main();
} catch (error) {
  process.exitCode = 1;
  console.error(error);
} finally {
  redis.disconnect();
  await pool.close();
}
