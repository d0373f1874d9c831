/** What one kind of server needs to be found, made and asked. */
export type ServerKind = "postgres" | "mysql" | "mariadb" | "redis";

export interface Recipe {
  readonly kind: ServerKind;
  /** The variable that names a server which is already there. */
  readonly variable: string;
  /** The line that installs it on Debian. */
  readonly install: string;
  /** Whom it runs as when the tests run as root. */
  readonly account: string;
  readonly container: {
    readonly image: string;
    readonly port: number;
    readonly environment: Readonly<Record<string, string>>;
    readonly command: readonly string[];
    /** Texts by the path at which the container has them. */
    readonly files?: Readonly<Record<string, string>>;
  };
  /** The programs by name, or undefined where they are not installed. */
  findPrograms(): Promise<Programs | undefined>;
  /** Texts by their name in the server's home, for the server's eyes only. */
  files(place: Place): Readonly<Record<string, string>>;
  /** What makes an empty data directory. */
  initialize(place: Place): readonly Command[];
  /** What serves it in the foreground, on 127.0.0.1 and on a socket in `home`. */
  serve(place: Place): Command;
  /** For a client of that kind: of two kinds that speak one protocol each may have an account of its own. */
  url(port: number, client: ServerKind): string;
  /** Fires once the server answers, rejects while it does not. */
  ping(url: string): Promise<void>;
}

export type Programs = Readonly<Record<string, string>>;

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Where one server lives. */
export interface Place {
  readonly programs: Programs;
  /** Its own directory; data, socket and log are in it. */
  readonly home: string;
  readonly port: number;
}
