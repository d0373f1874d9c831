import { type Deferred, succeed } from "../defer/index.js";
import { literalNames } from "../defer/inspect.js";

/** What starting and stopping may return: nothing when done at once, else a Deferred or a promise. */
export type Pending = void | PromiseLike<unknown>;

/** All that is asked of an application: `runService` and `adbapi run` take any object of this shape. */
export interface Startable {
  readonly name?: string | undefined;
  startService(): Pending;
  stopService(): Pending;
  /** Called when a stop is asked for while `startService` is under way, which may then fail early. */
  abandonStart?(): void;
}

/** What a service can belong to: a MultiService. */
export interface ServiceParent extends Service, Iterable<Service> {
  addService(service: Service): Deferred<void>;
  removeService(service: Service): Deferred<void>;
  getServiceNamed(name: string): Service;
  /** @internal */
  checkChild(service: Service): void;
}

/** Changes the parent of a service: for MultiService alone. */
export let adopt: (child: Service, parent: ServiceParent | undefined) => void;

/** Says that the start of a service has failed: for its Lifecycle alone. */
export let halt: (service: Service) => void;

/**
 * Something that is started and stopped: a pool, a server, a job that repeats. Extend it, and call `super`:
 *
 * ```ts
 * class Web extends Service {
 *   override async startService() {
 *     super.startService();
 *     await once(this.server.listen(8080), "listening");
 *   }
 * }
 * ```
 *
 * A `startService` that fails has cleaned up after itself: `stopService` is not called then.
 * @see https://docs.twisted.org/en/stable/core/howto/application.html
 */
export class Service implements Startable {
  /** What `MultiService.getServiceNamed` finds it by. To be set before the service gets a parent. */
  name: string | undefined;
  #running = false;
  #parent: ServiceParent | undefined;

  static {
    adopt = (child, parent) => {
      child.#parent = parent;
    };
    halt = (service) => {
      service.#running = false;
    };
  }

  constructor(name?: string) {
    this.name = name;
  }

  /**
   * True from the call of `startService` to that of `stopService`, or to the failure of a start by a parent or
   * `runService`.
   */
  get running(): boolean {
    return this.#running;
  }

  get parent(): ServiceParent | undefined {
    return this.#parent;
  }

  /** Starts it. What it returns fires once the service is of use. */
  startService(): Pending {
    this.#running = true;
  }

  /** Stops it. What it returns fires once nothing of the service is left: work in flight has been finished. */
  stopService(): Pending {
    this.#running = false;
  }

  /**
   * For a start that takes long: called when a stop is asked for while `startService` has not fired, which may then
   * fail early. The two methods themselves never overlap.
   */
  abandonStart?(): void;

  /**
   * Makes it a child of `parent`, after leaving the parent that it had. Fires once it runs, when `parent` is running;
   * at once when it is not. Fails as its start does; as its stop does, and it has no parent then. Throws
   * `InterfaceError`, and it stays where it is, for a name that is taken and a parent below itself.
   */
  setServiceParent(parent: ServiceParent): Deferred<void> {
    parent.checkChild(this);
    return this.disownServiceParent().addCallback(() => parent.addService(this));
  }

  /** Leaves its parent, and is stopped if that was running. Fires once it has stopped. Without a parent: at once. */
  disownServiceParent(): Deferred<void> {
    return this.#parent === undefined ? succeed(undefined) : this.#parent.removeService(this);
  }
}

literalNames({ Service });
