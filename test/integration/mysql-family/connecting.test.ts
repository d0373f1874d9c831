/** How a session is opened, from which arguments, and what a reset makes of it. */
import { type AddressInfo, createServer, type Socket } from "node:net";
import { inspect } from "node:util";
import { ConnectionLost, InterfaceError, OperationalError, ProgrammingError } from "adbapi";
import { describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.js";
import { describeDrivers } from "../../support/mysql-drivers.js";

describeDrivers("connecting", (tools) => {
  const { driver, url, prefix, connect, run, rows, failure } = tools;

  describe("connecting", () => {
    test("nobody listens", async () => {
      const error = await failure(connect({ port: 1 }));
      expect(error).toBeInstanceOf(OperationalError);
      expect(error).not.toBeInstanceOf(ConnectionLost);
      expect(error.message).toContain("127.0.0.1:1");
      expect(error.cause).toBeInstanceOf(Error);
    });

    test("given up by its signal", async () => {
      const signal = AbortSignal.abort(new Error("enough"));
      const settings = { name: "x", prepare: true, pipeline: 1, int64: "driver" } as const;
      const opening = driver.connect(driver.checkArgs!([url]), { settings, signal, onLost: () => {} });
      await expect(opening).rejects.toThrow("enough");
    });

    test.each([
      ["connectTimeout", { connectTimeout: 100 }, undefined, "no answer in 100 ms"],
      ["its signal", {}, 100, "timeout"],
    ])(
      "a server that says nothing: given up by %s, and nothing is left open",
      async (_name, args, millis, told) => {
        const sockets = new Set<Socket>();
        const server = createServer((socket) => sockets.add(socket.on("error", () => {}).resume()));
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        const { port } = server.address() as AddressInfo;
        const settings = { name: "x", prepare: true, pipeline: 1, int64: "driver" } as const;
        const signal = millis === undefined ? new AbortController().signal : AbortSignal.timeout(millis);
        const checked = driver.checkArgs!([{ host: "127.0.0.1", port, ...args }]);
        await expect(driver.connect(checked, { settings, signal, onLost: () => {} })).rejects.toThrow(told);
        await eventually(
          "sockets that are closed",
          () => [...sockets].map(({ destroyed }) => destroyed).join(),
          "true",
        );
        await new Promise((resolve) => server.close(resolve));
      },
    );

    test("the password is nowhere to be seen", async () => {
      const admin = await connect();
      await run(admin, `create user if not exists '${prefix}'@'%' identified by 's3cr3t-word'`);
      await run(admin, `grant all on test.* to '${prefix}'@'%'`);
      const connection = await connect({ user: prefix, password: "s3cr3t-word" });
      const shown =
        inspect(connection, { depth: 9, showHidden: false }) + inspect(connection.native, { depth: 9 });
      expect(shown).not.toContain("s3cr3t-word");
      const { config } = connection.native as { config?: unknown };
      expect(inspect(config, { depth: 9 })).not.toContain("s3cr3t-word");
      await run(admin, `drop user '${prefix}'@'%'`);
    });

    test("several statements where the arguments allow them", async () => {
      const connection = await connect({ multipleStatements: true });
      expect(await rows(connection, "do 1; select 2 as b; select 3 as c")).toEqual([{ b: 2 }]);
      expect(await failure(run(connection, "select ?; select 2", [1]))).toBeInstanceOf(ProgrammingError);
      for (const sql of ["select 1; begin", "select 1; begin; select 2", "select 1; begin; selekt"]) {
        await run(connection, sql).catch(() => {});
        expect(connection.state).toBe("in transaction");
        await connection.rollback();
      }
    });

    test.each([
      ["connectionLimit", "max"],
      ["rowsAsArray", "rowMode"],
      ["namedPlaceholders", "?"],
      ["supportBigNumbers", "int64"],
    ])("the argument %s is refused", (key, advice) => {
      expect(() => driver.checkArgs!([{ [key]: true }])).toThrow(InterfaceError);
      expect(() => driver.checkArgs!([{ [key]: true }])).toThrow(advice);
    });

    test.each([
      "postgres://a:s3cr3t@h/d",
      "mysql://a:s3cr3t@h/d?multipleStatements=true",
      "mysql://a:s3cr3t@h/d?flags=LOCAL_FILES",
      "mysql://a:s3cr3t%@h/d",
      "mysql://a:s3cr3t@",
      "mysql://a:s3cr3t@h:99999/d",
      "s3cr3t",
    ])("the URL %s is refused", (bad) => {
      let thrown: unknown;
      try {
        driver.fromUrl!(bad);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(InterfaceError);
      expect(inspect(thrown)).not.toContain("s3cr3t");
    });

    test("a URL with all of its parts", () => {
      expect(driver.fromUrl!("mysql://a%40b:p%2Fw@[::1]:33/d%20b?charset=utf8mb4&connectTimeout=5")).toEqual([
        {
          host: "::1",
          port: 33,
          user: "a@b",
          password: "p/w",
          database: "d b",
          charset: "utf8mb4",
          connectTimeout: 5,
        },
      ]);
    });
  });

  describe("reset", () => {
    test("gives back the session that was opened", async () => {
      const connection = await connect();
      const facts =
        "select database() as db, @@sql_mode as mode, @@character_set_client as client, @@collation_connection as collation, @mine as mine, @@autocommit as auto";
      const before = await rows(connection, facts);
      await run(connection, "select ? as kept", [1]);
      await run(connection, "use mysql");
      await run(connection, "set names latin1");
      await run(connection, "set sql_mode = ''");
      await run(connection, "set @mine = 1");
      await run(connection, "set autocommit = 0");
      await run(connection, "create temporary table test.gone (id int)");
      await connection.reset!();
      expect(await rows(connection, facts)).toEqual(before);
      expect(connection.state).toBe("idle");
      expect(await failure(run(connection, "select * from gone"))).toBeInstanceOf(ProgrammingError);
      expect(await rows(connection, "select ? as kept", ["ü€😀"])).toEqual([{ kept: "ü€😀" }]);
    });

    test("a database that cannot be left ends the session", async () => {
      const connection = await connect({ database: undefined });
      await connection.reset!();
      await run(connection, "use mysql");
      await expect(connection.reset!()).rejects.toBeInstanceOf(OperationalError);
      expect(connection.state).toBe("broken");
    });
  });
});
