/** A database of your own in one small file, pooled: a folder of CSV files, read and written in worker threads. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { blockingDriver, ConnectionPool } from "adbapi";

interface Planet {
  readonly name: string;
  readonly moons: number;
}

const sheets = blockingDriver(new URL("./blocking-driver/sheets.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "sheets-"));

try {
  await using pool = new ConnectionPool(sheets, folder, { max: 2 });
  await pool.runOperation("create planets (name, moons)");
  await pool.runInteraction(async (transaction) => {
    for (const planet of [
      ["Earth", 1],
      ["Mars", 2],
      ["Saturn", 274],
    ]) {
      await transaction.runOperation("insert planets (?, ?)", planet);
    }
  });
  const failed = pool.runInteraction(async (transaction) => {
    await transaction.runOperation("insert planets (?, ?)", ["Pluto", 5]);
    throw new Error("not a planet any more");
  });
  await failed.catch((error) => console.log(`rolled back: ${error}`));

  for (const { name, moons } of await pool.runQuery<Planet>("select planets"))
    console.log(`${name}: ${moons}`);
  const [mars] = await pool.runQuery<Planet>("select planets where name = ?", ["Mars"]);
  console.log(`Mars has ${mars?.moons} moons`);
} finally {
  rmSync(folder, { recursive: true });
}
