/**
 * Who greets for a server that stands behind is sent one statement at a time: not every proxy takes the next before it
 * has given the answer.
 */
import type { Socket } from "node:net";
import { ConnectionPool } from "adbapi";
import { describe, expect, onTestFinished, test } from "vitest";
import { readsAhead } from "../../../drivers/mysql-family/connect/greeting.js";
import { type Link, PortForwarder } from "../../../examples/port-forward.js";
import { eventually } from "../../support/eventually.js";
import { mysql2Target } from "../../support/mysql-targets.js";
import { serverUrl } from "../../support/servers.js";

const url = serverUrl("mysql");
/** The proxy reads what passes, and changes it. */
const { readable } = mysql2Target;

/** Commands that are not answered: COM_QUIT, COM_STMT_SEND_LONG_DATA, COM_STMT_CLOSE. */
const UNANSWERED = [0x01, 0x18, 0x19];

type Forge = (greeting: Buffer) => void;

/** Counts the commands that came since the server last said something. */
class Greeter extends PortForwarder {
  /** The most at once, of all connections. */
  most = 0;
  readonly #forge: Forge;
  readonly #open = new WeakMap<Link, number>();

  constructor(target: URL, forge: Forge) {
    super({ host: target.hostname, port: Number(target.port || 3306) });
    this.#forge = forge;
  }

  protected override pipe(source: Socket, sink: Socket, link: Link): void {
    if (source === link.client) {
      source.on("data", (bytes: Buffer) => this.#count(bytes, link));
    } else {
      // A prepended listener: it changes the bytes before they are written.
      source.once("data", this.#forge);
      source.on("data", () => this.#open.set(link, 0));
    }
    super.pipe(source, sink, link);
  }

  #count(bytes: Buffer, link: Link): void {
    let open = this.#open.get(link) ?? 0;
    for (let at = 0; at + 4 < bytes.length; at += 4 + bytes.readUIntLE(at, 3)) {
      // What answers the greeting has a number of its own.
      if (bytes[at + 3] === 0 && !UNANSWERED.includes(bytes[at + 4]!)) open++;
    }
    this.#open.set(link, open);
    this.most = Math.max(this.most, open);
  }
}

/** Behind the head of the packet and a byte for the protocol. */
const VERSION_AT = 5;

const forgeries: Readonly<Record<string, Forge>> = {
  "a number of its own": (greeting) => {
    const at = greeting.indexOf(0, VERSION_AT) + 1;
    greeting.writeUInt32LE(greeting.readUInt32LE(at) + 1, at);
  },
  "a version of its own": (greeting) => {
    greeting[greeting.indexOf(0, VERSION_AT) - 1]! ^= 1;
  },
};

/** Gives `use` what asks 64 statements over one connection, and tells how many were on their way at once. */
async function withGreeter(
  driver: "mysql2" | "mariadb",
  forge: Forge,
  pipeline: number | undefined,
  use: (mostAhead: () => Promise<number>) => Promise<void>,
): Promise<void> {
  const server = new URL(url!);
  const proxy = new Greeter(server, forge);
  const { port } = await proxy.listen({ host: "127.0.0.1", port: 0 });
  onTestFinished(() => proxy.close());
  server.hostname = "127.0.0.1";
  server.port = String(port);
  await using pool = new ConnectionPool(
    driver,
    server.href.replace(/^\w+:/, `${driver === "mysql2" ? "mysql" : driver}:`),
    {
      min: 1,
      max: 1,
      pipeline,
    },
  );
  const ask = async (n: number) => (await pool.runQuery("select ? + 0 as v", [n]))[0];
  // Only what has shown that it is fast goes ahead.
  for (let n = 0; n < 20; n++) await ask(n);
  const all = Array.from({ length: 64 }, (_, n) => n);
  await use(async () => {
    proxy.most = 0;
    const answers = await Promise.all(all.map(ask));
    expect(answers.map((row) => Number(row?.v))).toEqual(all);
    return proxy.most;
  });
}

/** On a busy machine a text may seem slow for a while. */
async function severalAhead(driver: "mysql2" | "mariadb", forge: Forge, pipeline?: number): Promise<void> {
  await withGreeter(driver, forge, pipeline, (mostAhead) =>
    eventually("several at once", async () => (await mostAhead()) > 1, true),
  );
}

describe.runIf(url && readable).each(["mysql2", "mariadb"] as const)("%s", (driver) => {
  test("a server that greets itself is sent several at once", async () => {
    await severalAhead(driver, () => {});
  });

  describe.each(Object.entries(forgeries))("behind a proxy that greets with %s", (_, forge) => {
    test("one is sent at a time", async () => {
      await withGreeter(driver, forge, undefined, async (mostAhead) => {
        for (let round = 0; round < 3; round++) expect(await mostAhead()).toBe(1);
      });
    });

    test("several are, where the pool was told to", async () => {
      await severalAhead(driver, forge, 8);
    });
  });
});

describe("which servers read ahead", () => {
  test.each([
    ["8.0.36-0ubuntu0.22.04.1", "8.0.36-0ubuntu0.22.04.1", true],
    ["11.4.2-MariaDB", "11.4.2-MariaDB", true],
    ["5.5.5-10.11.6-MariaDB-log", "10.11.6-MariaDB-log", true],
    ["5.5.68-MariaDB", "5.5.68-MariaDB", true],
    ["9.1.0", "9.1.0", true],
    // Aurora 2 says this too.
    ["5.7.12", "5.7.12", false],
    ["8.0.11", "8.0.36", false],
    [undefined, "8.0.36", false],
  ])("greeting %s, version %s: %s", (greeted, version, reads) => {
    expect(readsAhead({ id: 7, version: greeted }, { id: 7, version })).toBe(reads);
  });

  test("a number beyond 32 bits is greeted with its lower ones", () => {
    const version = "8.4.0";
    expect(readsAhead({ id: 7, version }, { id: 2 ** 32 + 7, version })).toBe(true);
    expect(readsAhead({ id: 8, version }, { id: 2 ** 32 + 7, version })).toBe(false);
    expect(readsAhead({ id: null, version }, { id: 0, version })).toBe(false);
  });
});
