import { Failure } from "./failure.js";

interface Trace {
  readonly made: string;
  fired?: string;
}

/** Whether Deferreds keep where they were made and fired. Off by default: a stack costs microseconds. */
export let debugging = false;

let traces = new WeakMap<object, Trace>();
let notes = new WeakMap<Error, string>();

/**
 * From now on, Deferreds keep where they were made and where they were fired; their errors' stacks say so.
 * For development. Default off.
 */
export function setDebugging(on: boolean): void {
  debugging = on;
  if (on) return;
  traces = new WeakMap();
  notes = new WeakMap();
}

export function getDebugging(): boolean {
  return debugging;
}

export function traceMade(deferred: object): void {
  traces.set(deferred, { made: stackOutside() });
}

export function traceFired(deferred: object, result: unknown): void {
  const trace = traces.get(deferred);
  if (trace !== undefined) trace.fired = stackOutside();
  if (result instanceof Failure) annotate(result.value, deferred);
}

/** Adds what is known of this Deferred to the error's stack, if it is the first that the error passes. */
export function annotate(error: Error, deferred: object): void {
  if (notes.has(error) || Object.isFrozen(error)) return;
  notes.set(error, describeTrace(deferred));
  repeatNote(error);
}

/** For a stack that was captured anew. */
export function repeatNote(error: Error): void {
  error.stack += notes.get(error) ?? "";
}

/** What is known of this Deferred, as lines that follow a message or a stack; empty when nothing is. */
export function describeTrace(deferred: object): string {
  const trace = traces.get(deferred);
  if (trace === undefined) return "";
  const fired = trace.fired === undefined ? "" : `\n  Deferred fired:\n${trace.fired}`;
  return `\n  Deferred made:\n${trace.made}${fired}`;
}

/** In a bundle there is no folder to tell: all lines are shown. */
const here = import.meta.url?.slice(0, import.meta.url.lastIndexOf("/") + 1) ?? "no folder";

/** The present stack from the first line that is not of this folder. */
function stackOutside(): string {
  const lines = (new Error().stack ?? "").split("\n").slice(1);
  const first = lines.findIndex((line) => !line.includes(here));
  return lines.slice(Math.max(first, 0)).join("\n");
}
