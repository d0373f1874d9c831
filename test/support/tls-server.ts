/** Servers of a test's own that speak TLS with a certificate of its choice. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Authority } from "./authority.js";
import { LocalServer } from "./local-server.js";
import { askMysql } from "./mysql-observer.js";
import { mariadbRecipe } from "./mysql-recipe.js";
import { askPostgres } from "./postgres-observer.js";
import { postgresRecipe } from "./postgres-recipe.js";
import type { Place, Recipe, ServerKind } from "./recipe.js";
import { howToGet } from "./servers.js";

/** Takes clients with TLS and without. */
export class TlsServer implements AsyncDisposable {
  readonly #authority: Authority;
  readonly #server: LocalServer;
  readonly #home: string;

  private constructor(authority: Authority, server: LocalServer, home: string) {
    this.#authority = authority;
    this.#server = server;
    this.#home = home;
  }

  /** For a client of that kind: where one is for MySQL, MariaDB stands in. */
  static async create(client: ServerKind, authority: Authority): Promise<TlsServer> {
    const recipe = client === "postgres" ? postgresRecipe : mariadbRecipe;
    const programs = await recipe.findPrograms();
    if (programs === undefined) throw new Error(howToGet(recipe.kind));
    let home = "";
    const settings = (place: Place) => {
      home = place.home;
      return client === "postgres" ? postgresSettings(home) : mariadbSettings(home);
    };
    const own: Recipe = {
      ...recipe,
      // Whatever the world demands: here nobody has to use TLS.
      url: (port, kind) => recipe.url(port, kind).replace(/\?.*$/, ""),
      files: (place) => ({
        ...recipe.files(place),
        ...filesOf(authority, "DNS:localhost"),
        "own-hba.conf": "host all all all scram-sha-256\n",
      }),
      serve: (place) => {
        const command = recipe.serve(place);
        return { ...command, args: [...command.args, ...settings(place)] };
      },
    };
    return new TlsServer(authority, await LocalServer.create(own, programs, client), home);
  }

  /** Without TLS: its account has a password. */
  get url(): URL {
    return new URL(this.#server.url);
  }

  /** From now on its certificate is for these. */
  async show(names: string): Promise<void> {
    for (const [name, text] of Object.entries(filesOf(this.#authority, names)))
      writeFileSync(join(this.#home, name), text);
    if (this.#server.kind === "postgres") await this.ask("select pg_reload_conf()");
    else await this.ask("flush ssl");
  }

  ask(sql: string): Promise<Record<string, unknown>[]> {
    return (this.#server.kind === "postgres" ? askPostgres : askMysql)(this.#server.url, sql);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.close();
  }
}

function filesOf(authority: Authority, names: string): Readonly<Record<string, string>> {
  const { cert, key } = authority.issue(names);
  return { "own.pem": cert, "own.key": key, "own-ca.pem": authority.ca };
}

function postgresSettings(home: string): readonly string[] {
  const path = (name: string) => join(home, name);
  return [
    "ssl=on",
    `ssl_cert_file=${path("own.pem")}`,
    `ssl_key_file=${path("own.key")}`,
    `ssl_ca_file=${path("own-ca.pem")}`,
    `hba_file=${path("own-hba.conf")}`,
  ].flatMap((setting) => ["-c", setting]);
}

function mariadbSettings(home: string): readonly string[] {
  const path = (name: string) => join(home, name);
  return [
    `--ssl-cert=${path("own.pem")}`,
    `--ssl-key=${path("own.key")}`,
    `--ssl-ca=${path("own-ca.pem")}`,
    "--require-secure-transport=OFF",
  ];
}
