/**
 * Requests of one tick as one message: a text that is executed many times in a row travels once, and its params as one
 * list.
 */
import type { Executions, Request, Requests } from "./protocol.js";

type Execute = Extract<Request, ["execute", ...unknown[]]>;

export function packRequests(requests: readonly Request[], slots: number): Requests {
  const packed: (Request | Executions)[] = [];
  let run: Executions | undefined;
  for (const request of requests) {
    if (request[0] !== "execute" || !isList(request[4])) {
      run = undefined;
      packed.push(request);
      continue;
    }
    const [, slot, transaction, sql] = request;
    const params: readonly unknown[] | undefined = request[4];
    if (run === undefined || !continues(run, request, slots)) {
      run = ["executions", slot, transaction, sql, 0, params && []];
      packed.push(run);
    }
    run[4]++;
    for (const value of params ?? []) run[5]!.push(value);
  }
  return packed;
}

export function unpackRequests(packed: Requests, slots: number): Request[] {
  return packed.flatMap((request) => (request[0] === "executions" ? unpacked(request, slots) : [request]));
}

function unpacked(run: Executions, slots: number): Request[] {
  const [, slot, transaction, sql, count, values] = run;
  const width = widthOf(run) ?? 0;
  return Array.from({ length: count }, (_, at) => {
    const params = values?.slice(at * width, (at + 1) * width);
    return ["execute", (slot + at) % slots, transaction, sql, params];
  });
}

function continues(run: Executions, [, slot, transaction, sql, params]: Execute, slots: number): boolean {
  return (
    run[3] === sql &&
    run[2] === transaction &&
    widthOf(run) === (params as readonly unknown[] | undefined)?.length &&
    (run[1] + run[4]) % slots === slot
  );
}

/** How many params each of them has; undefined where none were given. */
function widthOf([, , , , count, values]: Executions): number | undefined {
  return values && values.length / count;
}

/** Params by name go as they are. */
function isList(params: Execute[4]): params is readonly unknown[] | undefined {
  return params === undefined || Array.isArray(params);
}
