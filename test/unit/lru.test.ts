import fc from "fast-check";
import { expect, test } from "vitest";
import { Lru } from "../../dist/drivers/common/lru.js";

const MAX = 3;

/** The same as a list, the one used longest ago first. */
class Model {
  entries: [key: string, value: number][] = [];

  get(key: string): number | undefined {
    const found = this.entries.find(([other]) => other === key);
    if (found !== undefined) this.entries = [...this.entries.filter((entry) => entry !== found), found];
    return found?.[1];
  }

  set(key: string, value: number): [string, number] | undefined {
    this.entries = [...this.entries.filter(([other]) => other !== key), [key, value]];
    return this.entries.length > MAX ? this.entries.shift() : undefined;
  }

  delete(key: string): void {
    this.entries = this.entries.filter(([other]) => other !== key);
  }
}

test("the one used longest ago goes", () => {
  const step = fc.tuple(
    fc.constantFrom("get", "set", "delete", "clear", "peek"),
    fc.constantFrom(..."abcdef"),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const lru = new Lru<number>(MAX);
      const model = new Model();
      for (const [n, [verb, key]] of steps.entries()) {
        if (verb === "get") expect(lru.get(key)).toBe(model.get(key));
        else if (verb === "set") expect(lru.set(key, n)).toEqual(model.set(key, n));
        else if (verb === "peek")
          expect(lru.peek(key)).toBe(model.entries.find(([other]) => other === key)?.[1]);
        else if (verb === "delete") {
          lru.delete(key);
          model.delete(key);
        } else {
          lru.clear();
          model.entries = [];
        }
        expect([...lru.keys()]).toEqual(model.entries.map(([other]) => other));
        expect([...lru.values()]).toEqual(model.entries.map(([, value]) => value));
      }
    }),
  );
});
