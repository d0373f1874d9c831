import { Deferred, Failure, fail, maybeDeferred, succeed } from "../defer/index.js";
import { InterfaceError } from "../errors/classes.js";
import { halt, Service, type Startable } from "./service.js";

type LifecycleState = "stopped" | "starting" | "running" | "stopping";

const lives = new WeakMap<Startable, Lifecycle>();

/** The one life of a service: a parent that gives it away and one that takes it in wait for the same stop. */
export function lifeOf<S extends Startable>(service: S): Lifecycle<S> {
  const life = (lives.get(service) as Lifecycle<S> | undefined) ?? new Lifecycle(service);
  lives.set(service, life);
  return life;
}

/** Holds one service to its order: start and stop never overlap, and each happens once. */
export class Lifecycle<S extends Startable = Startable> {
  readonly service: S;
  /** Whose life it is, in messages. */
  readonly #owner: Startable;
  #state: LifecycleState = "stopped";
  /**
   * The callers that wait for the move under way, each with a Deferred of its own: the cancel of one leaves the rest.
   */
  #waiters: Deferred<void>[] = [];

  constructor(service: S, owner: Startable = service) {
    this.service = service;
    this.#owner = owner;
  }

  get state(): LifecycleState {
    return this.#state;
  }

  /** Fires once the service is started. A service whose start failed is stopped. */
  start(): Deferred<void> {
    if (this.#state !== "stopped") {
      return fail(
        new InterfaceError(`${nameOf(this.#owner)} is ${this.#state}: it can be started once it is stopped`),
      );
    }
    return this.#move("starting", () => this.service.startService(), "running");
  }

  /** Fires once the service is stopped, whatever it was doing. A start under way is waited for first. */
  stop(): Deferred<void> {
    switch (this.#state) {
      case "stopped":
        return succeed(undefined);
      case "running":
        return this.#move("stopping", () => this.service.stopService(), "stopped");
      case "stopping":
        return this.#settled();
      case "starting": {
        const settled = this.#settled();
        const abandoned = maybeDeferred(() => this.service.abandonStart?.());
        // The caller of `start` has been told of a failure.
        return settled.addBoth(() => this.stop().addBoth((stopped) => abandoned.addCallback(() => stopped)));
      }
    }
  }

  /** Fires once no start and no stop is under way. */
  rest(): Deferred<void> {
    const moving = this.#state === "starting" || this.#state === "stopping";
    return moving ? this.#settled().addBoth(() => this.rest()) : succeed(undefined);
  }

  #move(state: LifecycleState, work: () => unknown, then: LifecycleState): Deferred<void> {
    this.#state = state;
    const settled = this.#settled();
    maybeDeferred(work).addBoth((result) => {
      this.#state = result instanceof Failure ? "stopped" : then;
      if (this.#state === "stopped" && this.service instanceof Service) halt(this.service);
      const waiters = this.#waiters;
      this.#waiters = [];
      for (const waiter of waiters) {
        if (result instanceof Failure) waiter.errback(result);
        else waiter.callback(undefined);
      }
    });
    return settled;
  }

  #settled(): Deferred<void> {
    const waiter = new Deferred<void>();
    this.#waiters.push(waiter);
    return waiter;
  }
}

/** How messages call a service. */
export function nameOf(service: Startable): string {
  const kind = service.constructor === Object ? "application" : service.constructor.name;
  return service.name === undefined ? `the ${kind}` : `the ${kind} "${service.name}"`;
}
