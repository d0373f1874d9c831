/**
 * Node's own, as they are when this is loaded: a test that fakes timers afterwards does not stop a pool between two
 * turns of the event loop.
 */
export const { setImmediate, clearImmediate } = globalThis;
