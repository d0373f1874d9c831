// Another process at SQLite files: a message { open } or { close } names one, and is answered. While a file is open it is written to, again and again.
import Database from "better-sqlite3";

const PACE_MILLIS = 20;
const files = new Map();

process.on("message", ({ open, close }) => {
  if (open !== undefined) {
    const database = new Database(open, { timeout: 5_000 });
    database.pragma("journal_mode = delete");
    database.exec("create table neighbour (id integer primary key, word text)");
    const write = database.prepare("insert or replace into neighbour values (1, hex(randomblob(20)))");
    const pace = setInterval(() => {
      try {
        write.run();
      } catch (error) {
        // A test may hold the file for longer than the neighbour waits: the next time, then.
        if (error.code !== "SQLITE_BUSY") throw error;
      }
    }, PACE_MILLIS);
    files.set(open, { database, pace });
  } else {
    const file = files.get(close);
    files.delete(close);
    if (file !== undefined) {
      clearInterval(file.pace);
      file.database.close();
    }
  }
  process.send({});
});
process.on("disconnect", () => process.exit());
