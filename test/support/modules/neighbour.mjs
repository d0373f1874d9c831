// Another process at SQLite files: a message { open } or { close } names one, and is answered. While a file is open it
// is written to, again and again.
import { statSync } from "node:fs";
import Database from "better-sqlite3";

const PACE_MILLIS = 20;
const files = new Map();

process.on("message", ({ open, close }) => {
  if (open !== undefined) {
    const database = new Database(open, { timeout: 5_000 });
    database.pragma("journal_mode = delete");
    database.exec("create table neighbour (id integer primary key, word text)");
    const inode = inodeOf(open);
    const write = database.prepare("insert or replace into neighbour values (1, hex(randomblob(20)))");
    const pace = setInterval(() => {
      try {
        write.run();
      } catch (error) {
        // A test may hold the file for longer than the neighbour waits: the next time, then.
        if (error.code === "SQLITE_BUSY") return;
        // A test has taken the file away, or put another in its place: there is nothing left to write to.
        if (inodeOf(open) === inode) throw error;
        clearInterval(pace);
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

function inodeOf(file) {
  return statSync(file, { throwIfNoEntry: false })?.ino;
}
