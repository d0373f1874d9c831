import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const internals = new URL("../../../dist/src/defer/deferred.js", import.meta.url).href;

it("a muted Deferred never reports its failure, whenever it was muted", async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      "--input-type=module",
      "-e",
      `import { Deferred, muteUnhandled } from ${JSON.stringify(internals)};
       process.on("unhandledRejection", (error) => console.log(error.message));
       const before = new Deferred();
       muteUnhandled(before);
       before.errback(new Error("before"));
       before.addErrback(() => { throw new Error("again"); });
       const after = new Deferred();
       after.errback(new Error("after"));
       muteUnhandled(after);
       new Deferred().errback(new Error("loud"));`,
    ],
    { cwd: fileURLToPath(new URL("../../..", import.meta.url)) },
  );
  expect(stdout.trim()).toBe("loud");
});
