/** The part of the driver contract that is about notifications between sessions. */

/** What one session tells those that listen. */
export interface Notified {
  readonly channel: string;
  /** Empty where none was given. */
  readonly payload: string;
  /** The server's number of the session that it came from. */
  readonly processId: number;
}

export interface Listens {
  /**
   * From when it fires on, `heard` is called with what comes on this channel, in order, until `unlisten` or the end of
   * the session. Asked once for a channel at a time. Rejects with `InterfaceError` for a channel that the server would
   * call by another name, and with `NotSupportedError` where what stands between lends the session to others.
   */
  listen?(channel: string, heard: (notified: Notified) => void): Promise<void>;
  unlisten?(channel: string): Promise<void>;
}
