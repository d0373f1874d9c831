/** The soak's own ledger: it is worth something only if it notices. */
import { CancelledError, ConnectionLost, PoolTimeout } from "adbapi";
import { describe, expect, test } from "vitest";
import { Figures } from "../soak/figures.js";
import { type EntryRow, Ledger } from "../soak/ledger.js";

function ledger() {
  const figures = new Figures();
  return { figures, ledger: new Ledger(figures) };
}

const once = (work: number, part = 0): EntryRow => ({ work, part, times: 1 });

describe("agrees", () => {
  test.each<[string, (ledger: Ledger, work: number) => void, boolean]>([
    ["acknowledged, and there", (it, work) => it.acknowledged(work), true],
    ["never sent", (it, work) => it.failed(work, new PoolTimeout("no connection")), false],
    [
      "not applied",
      (it, work) => it.failed(work, new ConnectionLost("lost", { outcome: "not applied" })),
      false,
    ],
    ["applied all the same", (it, work) => it.failed(work, lost("applied")), true],
    ["unknown, and there", (it, work) => it.failed(work, lost("unknown")), true],
    ["unknown, and not there", (it, work) => it.failed(work, lost("unknown")), false],
  ])("%s", (_, settle, there) => {
    const { figures, ledger: it } = ledger();
    const work = it.open("work");
    settle(it, work);
    it.check(there ? [once(work)] : []);
    expect(figures.violations).toEqual([]);
  });
});

describe("notices", () => {
  test.each<[string, (ledger: Ledger, work: number) => void, (work: number) => readonly EntryRow[]]>([
    ["what was acknowledged and is gone", acknowledged, () => []],
    ["what was done twice", acknowledged, (work) => [{ work, part: 0, times: 2 }, once(work, 1)]],
    ["a part of what is whole or nothing", failed("unknown"), (work) => [once(work)]],
    ["what was not applied and is there", failed("not applied"), (work) => [once(work), once(work, 1)]],
    ["what was applied and is not there", failed("applied"), () => []],
    ["what nobody asked for", failed("not sent"), (work) => [once(work + 1)]],
  ])("%s", (_, settle, rows) => {
    const { figures, ledger: it } = ledger();
    const work = it.open("work", 2);
    settle(it, work);
    it.check(rows(work));
    expect(figures.violations).toHaveLength(1);
  });

  test("a second answer", () => {
    const { figures, ledger: it } = ledger();
    const work = it.open("work");
    it.failed(work, lost("not sent"));
    it.acknowledged(work);
    expect(figures.violations).toHaveLength(1);
  });

  test("a caller without an answer", () => {
    const { ledger: it } = ledger();
    const work = it.open("insert");
    expect([...it.forgotten()]).toEqual([`insert ${work}`]);
    it.failed(work, new CancelledError("cancelled", { outcome: "unknown" }));
    expect([...it.forgotten()]).toEqual([]);
  });
});

function lost(outcome: "not sent" | "not applied" | "applied" | "unknown"): ConnectionLost {
  return new ConnectionLost("lost", { outcome });
}

function acknowledged(ledger: Ledger, work: number): void {
  ledger.acknowledged(work);
}

function failed(outcome: Parameters<typeof lost>[0]) {
  return (ledger: Ledger, work: number) => ledger.failed(work, lost(outcome));
}
