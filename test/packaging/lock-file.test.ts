/** The lock file: whoever installs from it gets what we had, from any registry. */
import { expect, test } from "vitest";
import lock from "../../package-lock.json" with { type: "json" };

interface Entry {
  readonly link?: boolean;
  readonly integrity?: string;
  readonly resolved?: string;
}

const entries = Object.entries(lock.packages as Readonly<Record<string, Entry>>);

test("every package that a registry serves has a checksum", () => {
  const served = entries.filter(([path, { link }]) => path.includes("node_modules/") && !link);
  expect(served.length).toBeGreaterThan(500);
  expect(served.filter(([, { integrity }]) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? ""))).toEqual([]);
});

test("no entry names the registry that it was taken from", () => {
  expect(entries.filter(([, { resolved }]) => resolved?.includes(":"))).toEqual([]);
});
