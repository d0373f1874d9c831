import { CancelledError, type Deferred, inlineCallbacks, succeed } from "../defer/index.js";
import { literalNames } from "../defer/inspect.js";
import { InterfaceError } from "../errors/classes.js";
import { Lifecycle, lifeOf, nameOf } from "./lifecycle.js";
import { adopt, Service, type ServiceParent } from "./service.js";

/**
 * Services that start and stop together, themselves a service, so that they form a tree.
 *
 * They start one after another in the order they were added, and stop in reverse: what was added first, a pool,
 * is there for all that came after it, from their start to the end of their stop.
 */
export class MultiService extends Service implements ServiceParent {
  /** In the order of addition. A Map may change while it is walked: a child added meanwhile is still reached. */
  readonly #children = new Map<Service, Lifecycle<Service>>();
  readonly #group = new Lifecycle(
    {
      startService: inlineCallbacks(() => this.#startChildren()),
      stopService: inlineCallbacks(() => this.#stopChildren()),
      abandonStart: () => this.abandonStart(),
    },
    this,
  );

  /**
   * Fires once every child is started. When one fails, those that were started are stopped, in reverse, and its
   * error is what this fails with. Fails with `CancelledError` when a stop came first.
   */
  override startService(): Deferred<void> {
    return this.#group.start();
  }

  /**
   * Fires once every child has been stopped. One that fails does not keep the others from being stopped: this
   * then fails with its error, with an `AggregateError` if there were several.
   */
  override stopService(): Deferred<void> {
    super.stopService();
    return this.#group.stop();
  }

  /** The start under way ends soon, with a `CancelledError`; the child that it waits for may end its own. */
  override abandonStart(): void {
    super.stopService();
    for (const { state, service } of this.#children.values()) {
      if (state === "starting") service.abandonStart?.();
    }
  }

  /**
   * Adds a child. Fires once it runs, when this service is running; else at once. A child that fails to start
   * stays, stopped. Throws `InterfaceError` for a name that is taken and for a service that has a parent.
   */
  addService(service: Service): Deferred<void> {
    if (service.parent !== undefined) {
      const hint = "move it with setServiceParent";
      throw new InterfaceError(`${nameOf(service)} already has a parent, ${nameOf(service.parent)}: ${hint}`);
    }
    this.checkChild(service);
    const child = lifeOf(service);
    this.#children.set(service, child);
    adopt(service, this);
    return this.#group.state === "running" ? this.#start(child) : succeed(undefined);
  }

  /** Takes a child out. Fires once it has stopped. Throws `InterfaceError` if it is no child of this. */
  removeService(service: Service): Deferred<void> {
    const child = this.#children.get(service);
    if (child === undefined) throw new InterfaceError(`${nameOf(service)} is no child of ${nameOf(this)}`);
    this.#children.delete(service);
    adopt(service, undefined);
    return child.stop();
  }

  /** The child of that name. Throws `InterfaceError` if there is none. */
  getServiceNamed(name: string): Service {
    for (const service of this) if (service.name === name) return service;
    const known = Array.from(this, (service) => service.name).filter((each) => each !== undefined);
    throw new InterfaceError(
      `${nameOf(this)} has no child named "${name}", only ${known.length > 0 ? known.join(", ") : "such without a name"}`,
    );
  }

  /** The children, in the order they were added. */
  [Symbol.iterator](): IterableIterator<Service> {
    return this.#children.keys();
  }

  *#startChildren(): Generator<unknown, void> {
    super.startService();
    try {
      for (const child of this.#children.values()) {
        yield this.#start(child).addErrback((failure) => {
          // The failure of a child that was taken out while it started is not the group's.
          return this.#children.has(child.service) ? failure : undefined;
        });
        if (!this.running) throw new CancelledError(`${nameOf(this)} was stopped while it started`);
      }
    } catch (error) {
      super.stopService();
      // What fails on the way back is mostly a consequence: the first error is the one to know.
      try {
        yield* this.#stopChildren();
      } catch {}
      throw error;
    }
  }

  /**
   * The parent that gave the child away may still be stopping it; meanwhile this one may have lost it, or may be
   * stopped.
   */
  #start(child: Lifecycle<Service>): Deferred<void> {
    return child.rest().addCallback(() => {
      const wanted = this.running && this.#children.has(child.service);
      return wanted ? child.start() : undefined;
    });
  }

  *#stopChildren(): Generator<unknown, void> {
    const errors: Error[] = [];
    for (const child of [...this.#children.values()].reverse()) {
      yield child.stop().addErrback(({ value }) => {
        errors.push(value);
      });
    }
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) {
      throw new AggregateError(errors, `${errors.length} children of ${nameOf(this)} failed to stop`);
    }
  }

  /** @internal Throws what stands against a child, but for the parent that it has. */
  checkChild(service: Service): void {
    for (let above: Service | undefined = this; above !== undefined; above = above.parent) {
      if (above === service) throw new InterfaceError(`${nameOf(service)} cannot be a child of itself`);
    }
    if (service.name === undefined) return;
    for (const child of this) {
      if (child !== service && child.name === service.name)
        throw new InterfaceError(`${nameOf(this)} already has a child named "${child.name}"`);
    }
  }
}

literalNames({ MultiService });
