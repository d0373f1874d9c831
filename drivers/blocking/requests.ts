/** Requests of one tick as one message: a text that is executed many times in a row travels once. */
import type { Params } from "../driver.js";
import type { Executions, Request, Requests } from "./protocol.js";

export function packRequests(requests: readonly Request[], slots: number): Requests {
  const packed: (Request | Executions)[] = [];
  let run: { readonly first: Request; readonly listOfParams: (Params | undefined)[] } | undefined;
  for (const request of requests) {
    if (request[0] !== "execute") {
      run = undefined;
      packed.push(request);
      continue;
    }
    const [, slot, transaction, sql, params] = request;
    const next = run && (run.first[1] + run.listOfParams.length) % slots;
    if (run !== undefined && next === slot && run.first[2] === transaction && run.first[3] === sql) {
      run.listOfParams.push(params);
      continue;
    }
    run = { first: request, listOfParams: [params] };
    packed.push(["executions", slot, transaction, sql, run.listOfParams]);
  }
  return packed;
}

export function unpackRequests(packed: Requests, slots: number): Request[] {
  return packed.flatMap((request): Request[] => {
    if (request[0] !== "executions") return [request];
    const [, slot, transaction, sql, listOfParams] = request;
    return listOfParams.map((params, at) => ["execute", (slot + at) % slots, transaction, sql, params]);
  });
}
