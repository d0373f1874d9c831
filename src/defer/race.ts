import { CHAIN, type Chain } from "./chain.js";
import { Deferred } from "./deferred.js";
import { FailureGroup } from "./errors.js";
import { Failure } from "./failure.js";
import { toDeferred } from "./functions.js";

/**
 * Fires with `[index, value]` of the first member that succeeds, and cancels the others. Fails with FailureGroup
 * when all of them have failed, or there are none. `cancel()` cancels them all.
 */
export function race<const L extends readonly unknown[]>(
  list: L,
): Deferred<[index: number, value: Awaited<L[number]>]> {
  const members = list.map(toDeferred);
  const failures = new Array<Failure>(members.length);
  let missing = members.length;
  let won = false;

  const cancelAllBut = (spared: Deferred<unknown> | undefined): void => {
    for (const member of members) if (member !== spared) member.cancel();
  };
  const outcome = new Deferred<[number, Awaited<L[number]>]>(() => cancelAllBut(undefined));

  const arrived = (index: number, result: unknown, failed: boolean): Chain | undefined => {
    if (won) return undefined;
    if (failed) {
      failures[index] = result as Failure;
      missing -= 1;
      return missing === 0 ? outcome[CHAIN].settle(new Failure(new FailureGroup(failures))) : undefined;
    }
    won = true;
    cancelAllBut(members[index]);
    return outcome[CHAIN].settle([index, result]);
  };

  if (members.length === 0) outcome.errback(new FailureGroup([]));
  members.forEach((member, index) => {
    member[CHAIN].observe({ observe: (result, failed) => arrived(index, result, failed) });
  });
  return outcome;
}
