/** The part of the driver contract that is about opening a connection. */

/** The pool's settings that a driver carries out. */
export interface DriverSettings {
  /** The pool's name, for threads and the server's list of sessions. */
  readonly name: string;
  /** Whether statements may be prepared and named at the server. */
  readonly prepare: boolean;
  /** The most statements ever in flight on one connection. */
  readonly pipeline: number;
  /** How integer columns of 64 bits come back; `"driver"` is the package's own exact form. */
  readonly int64: "driver" | "bigint" | "string" | "number";
  /**
   * A driver that collects rows out of the pool's sight may stop there; the pool looks at `received`, and weighs what
   * it gets.
   */
  readonly maxResultBytes?: number | undefined;
}

/** What `connect` is told beside its arguments. */
export interface ConnectOptions {
  readonly settings: DriverSettings;
  /** Aborted when the pool does not want the connection any more: reject soon and leave nothing open. */
  readonly signal: AbortSignal;
  /** To be called, once, when the connection dies by itself, idle or not. Never before `connect` has fired. */
  readonly onLost: (error: unknown) => void;
  /** To be called with what the server said beside an answer, that the operator should know. It is logged. */
  readonly onWarning?: (text: string) => void;
}
