import { ConnectionPool } from "adbapi";
import { expect, test } from "vitest";

async function warningsDuring(work: () => Promise<unknown>): Promise<string[]> {
  const names: string[] = [];
  const listen = ({ name }: Error) => names.push(name);
  process.on("warning", listen);
  try {
    await work();
    await new Promise((resolve) => setTimeout(resolve, 10));
  } finally {
    process.off("warning", listen);
  }
  return names;
}

test("one signal for a thousand statements, interactions and streams: no warning, and an abort reaches all that wait", async () => {
  await using pool = new ConnectionPool("better-sqlite3", ":memory:");
  const { signal } = new AbortController();
  const drained = async () => {
    for await (const _ of pool.runStream("select 1", [], { signal }));
  };
  const names = await warningsDuring(() =>
    Promise.all([
      ...Array.from({ length: 1_000 }, () => pool.runQuery("select 1", [], { signal })),
      ...Array.from({ length: 20 }, () => pool.runInteraction({ signal }, (t) => t.runQuery("select 1"))),
      ...Array.from({ length: 20 }, drained),
    ]),
  );
  expect(names).toEqual([]);

  const controller = new AbortController();
  const all = Promise.allSettled(
    Array.from({ length: 1_000 }, () => pool.runQuery("select 1", [], { signal: controller.signal })),
  );
  controller.abort(new Error("enough"));
  const failures = (await all).flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
  expect(failures).toHaveLength(1_000);
  for (const failure of failures)
    expect(failure).toMatchObject({ name: "CancelledError", cause: { message: "enough" } });
});
