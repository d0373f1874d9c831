/**
 * A database of one's own in plain synchronous calls: a folder of CSV files, one a table. Three statements are all it
 * knows:
 *
 *     create <table> (<column>, ...)     insert <table> (?, ...)     select <table> [where <column> = ?]
 *
 * The library runs this file in worker threads, one connection to a thread.
 */
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ProgrammingError } from "adbapi";

const CREATE = /^create (\w+) \(([\w, ]+)\)$/;
const INSERT = /^insert (\w+) \(\?(?:, \?)*\)$/;
const SELECT = /^select (\w+)(?: where (\w+) = \?)?$/;

/** @implements {import("adbapi/drivers/blocking").BlockingConnection} */
class Sheets {
  #folder;
  /** What is to be written at COMMIT; undefined outside of a transaction. */
  #pending;

  constructor(folder) {
    this.#folder = folder;
  }

  get inTransaction() {
    return this.#pending !== undefined;
  }

  begin() {
    this.#pending = [];
  }

  commit() {
    const writes = this.#pending;
    this.#pending = undefined;
    for (const write of writes) write();
  }

  rollback() {
    this.#pending = undefined;
  }

  execute(sql, params = []) {
    const [, created, columns] = CREATE.exec(sql) ?? [];
    if (created)
      return this.#write(() => writeFileSync(this.#file(created), `${columns.replaceAll(" ", "")}\n`));
    const [, filled] = INSERT.exec(sql) ?? [];
    if (filled) return this.#write(() => appendFileSync(this.#file(filled), line(params)));
    const [, read, column] = SELECT.exec(sql) ?? [];
    if (read) return this.#select(read, column, params[0]);
    throw new ProgrammingError(`sheets knows create, insert and select, but not: ${sql}`);
  }

  close() {}

  #write(write) {
    if (this.#pending) this.#pending.push(write);
    else write();
    return { columns: [], rows: [], rowCount: 1 };
  }

  #select(table, column, value) {
    const [names, ...lines] = readFileSync(this.#file(table), "utf8").trimEnd().split("\n");
    const columns = names.split(",");
    const at = columns.indexOf(column);
    if (column && at < 0) throw new ProgrammingError(`${table} has no column ${column}`);
    const rows = lines.map((text) => JSON.parse(`[${text}]`)).filter((row) => !column || row[at] === value);
    return { columns, rows, rowCount: rows.length };
  }

  #file(table) {
    return join(this.#folder, `${table}.csv`);
  }
}

export function connect(folder) {
  return new Sheets(folder);
}

function line(values) {
  return `${values.map((value) => JSON.stringify(value)).join()}\n`;
}
