/** Compiled, never run: what the types of `adbapi/defer` promise. */
import {
  Deferred,
  DeferredList,
  type DeferredListResult,
  deferLater,
  execute,
  Failure,
  fail,
  gatherResults,
  inlineCallbacks,
  maybeDeferred,
  race,
  succeed,
} from "adbapi/defer";
import { expectTypeOf } from "vitest";

interface User {
  readonly id: number;
  readonly name: string;
}

declare const pool: { runQuery<Row>(sql: string): Deferred<Row[]> };

// Generators.
const findUsers = inlineCallbacks(function* (prefix: string) {
  const rows = yield* pool.runQuery<User>("select * from users");
  expectTypeOf(rows).toEqualTypeOf<User[]>();
  const plain = yield succeed(1);
  expectTypeOf(plain).toEqualTypeOf<unknown>();
  return rows.filter(({ name }) => name.startsWith(prefix));
});
expectTypeOf(findUsers).parameters.toEqualTypeOf<[string]>();
expectTypeOf(findUsers("a")).toEqualTypeOf<Deferred<User[]>>();
// @ts-expect-error the generator takes a string
findUsers(1);

const returnsDeferred = inlineCallbacks(function* () {
  yield* succeed(1);
  return succeed("text");
});
expectTypeOf(returnsDeferred()).toEqualTypeOf<Deferred<string>>();

// Awaiting.
expectTypeOf<Awaited<Deferred<User[]>>>().toEqualTypeOf<User[]>();
expectTypeOf(succeed(1)).toExtend<PromiseLike<number>>();
expectTypeOf(succeed(1).then(String)).toEqualTypeOf<Promise<string>>();
expectTypeOf(succeed(1).then()).toEqualTypeOf<Promise<number>>();
expectTypeOf(succeed(1).catch(() => "text")).toEqualTypeOf<Promise<number | string>>();
expectTypeOf(succeed(1).finally()).toEqualTypeOf<Promise<number>>();
expectTypeOf(succeed(1).toPromise()).toEqualTypeOf<Promise<number>>();

// Chains: what a callback returns is unwrapped.
const one = new Deferred<number>();
expectTypeOf(one.addCallback((n) => n > 1)).toEqualTypeOf<Deferred<boolean>>();
expectTypeOf(one.addCallback((n) => succeed(String(n)))).toEqualTypeOf<Deferred<string>>();
expectTypeOf(one.addCallback(async (n) => [n])).toEqualTypeOf<Deferred<number[]>>();
expectTypeOf(one.addCallback((n) => (n > 0 ? n : new Failure("no")))).toEqualTypeOf<Deferred<number>>();
expectTypeOf(one.addCallback((n) => (n > 0 ? succeed(n) : String(n)))).toEqualTypeOf<
  Deferred<number | string>
>();
expectTypeOf(one.addCallback((n, more: string) => n + more, "more")).toEqualTypeOf<Deferred<string>>();
// @ts-expect-error the second argument is a string
one.addCallback((n, more: string) => n + more, 5);
// @ts-expect-error and has to be there
one.addCallback((n, more: string) => n + more);

// Two sides: the union of both.
expectTypeOf(
  one.addCallbacks(
    (n) => [n],
    (failure) => failure.getErrorMessage(),
  ),
).toEqualTypeOf<Deferred<number[] | string>>();
expectTypeOf(one.addCallbacks((n) => [n])).toEqualTypeOf<Deferred<number[]>>();
expectTypeOf(one.addCallbacks(null, () => "text")).toEqualTypeOf<Deferred<number | string>>();
expectTypeOf(
  one.addCallbacks(
    (n, by: number) => n * by,
    (_failure, text: string) => text,
    [2],
    ["text"],
  ),
).toEqualTypeOf<Deferred<number | string>>();
expectTypeOf(one.addErrback(() => "text")).toEqualTypeOf<Deferred<number | string>>();
expectTypeOf(one.addErrback((failure) => failure)).toEqualTypeOf<Deferred<number>>();
one.addBoth((result) => expectTypeOf(result).toEqualTypeOf<number | Failure>());
expectTypeOf(one.addTimeout(5)).toEqualTypeOf<Deferred<number>>();
expectTypeOf(one.addTimeout(5, () => "late")).toEqualTypeOf<Deferred<number | string>>();
expectTypeOf(one.chainDeferred(new Deferred<number>())).toEqualTypeOf<Deferred<undefined>>();
// @ts-expect-error a Deferred of another type
one.chainDeferred(new Deferred<string>());

// Firing.
new Deferred<void>().callback();
// @ts-expect-error a number is wanted
one.callback("text");
// @ts-expect-error `called` is for reading
one.called = true;

// Functions.
expectTypeOf(succeed()).toEqualTypeOf<Deferred<undefined>>();
expectTypeOf(fail(new Error("no"))).toEqualTypeOf<Deferred<never>>();
expectTypeOf(maybeDeferred((n: number) => Promise.resolve(n), 1)).toEqualTypeOf<Deferred<number>>();
expectTypeOf(execute(() => succeed("text"))).toEqualTypeOf<Deferred<string>>();
expectTypeOf(deferLater(5)).toEqualTypeOf<Deferred<undefined>>();
expectTypeOf(deferLater(5, (text: string) => text.length, "text")).toEqualTypeOf<Deferred<number>>();
expectTypeOf(Deferred.fromPromise(Promise.resolve(1))).toEqualTypeOf<Deferred<number>>();

// Lists.
const members = [succeed(1), succeed(2)];
expectTypeOf(gatherResults(members)).toEqualTypeOf<Deferred<number[]>>();
expectTypeOf(gatherResults([succeed(1), Promise.resolve("text")])).toEqualTypeOf<
  Deferred<[number, string]>
>();
expectTypeOf(race(members)).toEqualTypeOf<Deferred<[index: number, value: number]>>();
expectTypeOf<Awaited<ReturnType<typeof raceOfTwo>>[1]>().toEqualTypeOf<number | string>();
const raceOfTwo = () => race([succeed(1), succeed("text")]);

const list = async () => {
  expectTypeOf(await new DeferredList(members)).toEqualTypeOf<DeferredListResult<number>[]>();
  const [first, second] = await new DeferredList([succeed(1), Promise.resolve("text")]);
  expectTypeOf(first).toEqualTypeOf<DeferredListResult<number>>();
  expectTypeOf(second).toEqualTypeOf<DeferredListResult<string>>();
  if (first[0]) expectTypeOf(first[1]).toEqualTypeOf<number>();
  else expectTypeOf(first[1]).toEqualTypeOf<Failure>();
  expectTypeOf(await new DeferredList(members, { fireOnOneCallback: true })).toEqualTypeOf<
    [value: number, index: number] | DeferredListResult<number>[]
  >();
  expectTypeOf(await new DeferredList(members, { consumeErrors: true })).toEqualTypeOf<
    DeferredListResult<number>[]
  >();
};
void list;

// Failures.
const failure = new Failure(new Error("no"));
expectTypeOf(failure.check(RangeError, TypeError)).toEqualTypeOf<
  RangeErrorConstructor | TypeErrorConstructor | undefined
>();
// @ts-expect-error not a class of errors
failure.trap(Date);
