/** The port-forward example, made to misbehave: it stands between a pool and its server. */
import type { Socket } from "node:net";
import { Transform, type TransformCallback } from "node:stream";
import { type Link, PortForwarder } from "../../examples/port-forward.js";

export type Direction = "to server" | "to client";

export class Forwarder extends PortForwarder implements AsyncDisposable {
  readonly #gates = new Set<Gate>();
  #port = 0;
  #delayMillis = 0;
  #stalled = false;
  #trap: Trap | undefined;

  /** Stands before the server of a URL. */
  static async before(url: string): Promise<Forwarder> {
    const { hostname, port } = new URL(url);
    const forwarder = new Forwarder({ host: hostname, port: Number(port) });
    await forwarder.accept();
    return forwarder;
  }

  /** The same URL, through this forwarder. */
  through(url: string): string {
    const changed = new URL(url);
    changed.hostname = "127.0.0.1";
    changed.port = String(this.#port);
    return changed.href;
  }

  /** How many connections are open now. */
  get connections(): number {
    return this.links.size;
  }

  /** Resets every connection, as a crash or a firewall does; fires once they are closed. */
  async cut(): Promise<void> {
    await Promise.all([...this.links].map((link) => link.destroy()));
  }

  /**
   * Tells every client, in order and without a word, that nothing more will come: FIN, as from a proxy that is tired of
   * idle connections.
   */
  hangUp(): void {
    for (const link of this.links) link.client.end();
  }

  /** New connections are refused, until `accept`. Those that are open stay. */
  refuse(): void {
    this.stopListening();
  }

  /** Listens again, at the same port. */
  async accept(): Promise<void> {
    this.#port = (await this.listen({ host: "127.0.0.1", port: this.#port })).port;
  }

  /** Bytes stop in both directions, of new connections too, and nothing is closed: the peer has vanished. */
  stall(): void {
    this.#stalled = true;
  }

  /** What was held back flows on. */
  resume(): void {
    this.#stalled = false;
    for (const gate of this.#gates) gate.release();
  }

  /** Each piece of data is held for so long, in each direction. */
  delay(millis: number): void {
    this.#delayMillis = millis;
  }

  /**
   * Cuts the next connection that sends `text` (in any case) to the server, which never gets it; fires once it is cut.
   */
  cutBefore(text: string): Promise<void> {
    return this.#setTrap("to server", occurrence(text), "withhold");
  }

  /**
   * As `cutBefore`, but the server gets the text and carries it out (an orderly end follows): only the answer is lost.
   */
  cutAfter(text: string): Promise<void> {
    return this.#setTrap("to server", occurrence(text), "deliver");
  }

  /** Cuts the connection on which the piece with byte number `count` passes, counted from now over all connections. */
  cutAfterBytes(count: number, direction: Direction): Promise<void> {
    let passed = 0;
    const counts: Trap["sees"] = (piece) => {
      passed += piece.length;
      return passed >= count;
    };
    return this.#setTrap(direction, counts, "withhold");
  }

  override async close(): Promise<void> {
    for (const gate of this.#gates) gate.destroy();
    await super.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  protected override pipe(source: Socket, sink: Socket, link: Link): void {
    const direction = source === link.client ? "to server" : "to client";
    const gate = new Gate(
      () => ({ stalled: this.#stalled, delayMillis: this.#delayMillis }),
      (piece) => this.#judge(piece, direction, link),
    );
    this.#gates.add(gate);
    link.closed.then(() => this.#gates.delete(gate.destroy()));
    source.pipe(gate).pipe(sink);
  }

  #setTrap(direction: Direction, sees: Trap["sees"], bytes: Trap["bytes"]): Promise<void> {
    return new Promise((sprung) => {
      this.#trap = { direction, sees, bytes, sprung };
    });
  }

  #judge(piece: Buffer, direction: Direction, link: Link): Verdict {
    const trap = this.#trap;
    if (trap === undefined || trap.direction !== direction || !trap.sees(piece, link)) return "pass";
    this.#trap = undefined;
    if (trap.bytes === "withhold") {
      link.destroy().then(() => trap.sprung());
      return "withhold";
    }
    link.client.once("close", () => trap.sprung()).resetAndDestroy();
    link.server.unpipe().resume(); // the answer goes nowhere, and does not keep the server from its end
    return "last";
  }
}

interface Trap {
  readonly direction: Direction;
  readonly sees: (piece: Buffer, link: Link) => boolean;
  readonly bytes: "withhold" | "deliver";
  readonly sprung: () => void;
}

/** Finds a text also where it is spread over two pieces of one connection. */
function occurrence(text: string): Trap["sees"] {
  const wanted = text.toLowerCase();
  const tails = new WeakMap<Link, string>();
  return (piece, link) => {
    const seen = (tails.get(link) ?? "") + piece.toString("latin1").toLowerCase();
    tails.set(link, seen.slice(1 - wanted.length));
    return seen.includes(wanted);
  };
}

type Hold = () => { readonly stalled: boolean; readonly delayMillis: number };
type Judge = (piece: Buffer) => Verdict;

/** A piece passes, is withheld, or passes as the last one. */
type Verdict = "pass" | "withhold" | "last";

/** Holds the pieces of one direction, and their end, as long as it is told. */
class Gate extends Transform {
  readonly #hold: Hold;
  readonly #judge: Judge;
  #held: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(hold: Hold, judge: Judge) {
    super();
    this.#hold = hold;
    this.#judge = judge;
  }

  /** Lets go of what was stalled. */
  release(): void {
    const held = this.#held;
    this.#held = undefined;
    held?.();
  }

  override _transform(piece: Buffer, _encoding: string, done: TransformCallback): void {
    const verdict = this.#judge(piece);
    if (verdict === "withhold") return;
    this.#whenFree(() => {
      done(null, piece);
      if (verdict === "last") this.push(null);
    });
  }

  override _flush(done: TransformCallback): void {
    this.#whenFree(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearTimeout(this.#timer);
    done(error);
  }

  #whenFree(go: () => void): void {
    const { stalled, delayMillis } = this.#hold();
    if (stalled) this.#held = () => this.#whenFree(go);
    else if (delayMillis > 0) this.#timer = setTimeout(go, delayMillis);
    else go();
  }
}
