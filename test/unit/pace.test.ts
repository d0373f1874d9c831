/** What past runs tell of a text, and what they do not. */
import { describe, expect, test } from "vitest";
import { Text, timed } from "../../dist/drivers/blocking/thread/texts.js";
import { KnownTexts, mayBeStacked, TextStatistics } from "../../dist/src/statement/text-statistics.js";

describe("a text in its thread", () => {
  test("is known as quick by a whole run, and by nothing else", () => {
    const text = new Text("select 1");
    const cut = () => {
      throw new Error("cut short");
    };
    for (let run = 0; run < 20; run++) expect(() => timed(text, cut)).toThrow("cut short");
    expect(text.fast).toBe(false);
    text.ran(0.1);
    expect(text.fast).toBe(true);
  });

  test("is forgotten when a run is cut short that was not quick any more", () => {
    const text = new Text("select 1");
    text.ran(0.1);
    text.cutShort(1);
    expect(text.fast).toBe(true);
    text.cutShort(50);
    expect(text.fast).toBe(false);
    text.ran(0.1);
    expect(text.fast).toBe(true);
  });
});

describe("a text in the pool", () => {
  const known = (): TextStatistics => {
    const statistics = new TextStatistics(() => true);
    for (let run = 0; run < 3; run++) statistics.learn("select 1", undefined, 0.1, true);
    return statistics;
  };

  test("is forgotten when it overruns, and known again by whole runs", () => {
    const statistics = known();
    const habits = statistics.of("select 1");
    expect(mayBeStacked(habits)).toBe(true);
    statistics.overran("select 1", habits, 1);
    expect(mayBeStacked(habits)).toBe(true);
    statistics.overran("select 1", undefined, 2_000);
    expect(mayBeStacked(habits)).toBe(false);
    statistics.learn("select 1", habits, 0.1, true);
    expect(mayBeStacked(habits)).toBe(false);
    statistics.learn("select 1", habits, 0.1, true);
    expect(mayBeStacked(habits)).toBe(true);
  });

  test("that overran before it was known stays unknown", () => {
    const statistics = new TextStatistics(() => true);
    statistics.overran("select 1", undefined, 2_000);
    expect(statistics.of("select 1")).toBeUndefined();
  });

  test("that was judged to write has no pace yet", () => {
    const statistics = new TextStatistics(() => true);
    statistics.writes("pragma user_version = 1", undefined);
    const habits = statistics.of("pragma user_version = 1");
    expect(habits).toMatchObject({ readOnly: false, runs: 0 });
    expect(mayBeStacked(habits)).toBe(false);
  });
});

test("of many texts those are known that were used last, and no more than so many", () => {
  const texts = new KnownTexts<number>(100);
  for (let n = 0; n < 1_000; n++) {
    texts.add(`select ${n}`, n);
    expect(texts.get("select 0")).toBe(0);
  }
  for (let n = 999; n > 950; n--) expect(texts.get(`select ${n}`)).toBe(n);
  for (let n = 1; n < 900; n++) expect(texts.get(`select ${n}`)).toBeUndefined();
});
