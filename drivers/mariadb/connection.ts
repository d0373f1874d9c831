/** One session through mariadb's callback API, pipelined. */
import type { FieldInfo, UpsertResult } from "mariadb";
import type { AdbapiError } from "../../src/errors/classes.js";
import { Cork } from "../common/cork.js";
import { unreadable } from "../common/unreadable.js";
import type { Params, Result, Statement } from "../driver.js";
import {
  type ConnectionSetup,
  type InFlight,
  type Many,
  MysqlConnection,
  type Part,
} from "../mysql-family/connection.js";
import { isFull, unknownStatement } from "../mysql-family/errors/conditions.js";
import type { ServerError } from "../mysql-family/errors/server-error.js";
import type { Step } from "../mysql-family/execute-many.js";
import { bytesOf } from "../mysql-family/packet-limit.js";
import { endRows, type RowSource } from "../mysql-family/stream.js";
import { generatedKey, OWN } from "../mysql-family/values/result.js";
import { kindsAsDouble, type Lot, lots, mixedParams } from "./bulk/lots.js";
import { columnsOfParams } from "./bulk/param-columns.js";
import { isPlain } from "./bulk/text.js";
import { bulk, canBulk, knowsBulk, streaming, withUnsigned } from "./commands.js";
import type { Opened } from "./connect.js";
import { translate } from "./errors.js";
import type { Answer, Native, Prepared } from "./native.js";
import { columnsOf, refuseFaults, toObject, toObjects } from "./rows.js";

/**
 * Rows always come as arrays, and become objects here. Those of later sets are dropped unread: mariadb hands options of
 * ours on to what reads rows.
 */
const ROWS_AS_ARRAY = { rowsAsArray: true, firstSet: true };

export interface MariadbSetup extends ConnectionSetup {
  readonly sessionVariables: Readonly<Record<string, unknown>>;
  /** False where the connect arguments refuse it. */
  readonly bulks: boolean;
}

type Ready = (error: ServerError | null | undefined, prepared: Prepared) => void;

/** How mariadb shows a cache that is empty, which it does not tell otherwise. */
const NONE_KEPT = "info{cache:}";

type Readable = RowSource["readable"] & { close(): void };

export class MariadbConnection extends MysqlConnection {
  readonly native: Native;
  protected readonly names = "mariadb";
  readonly #sessionVariables: Readonly<Record<string, unknown>>;
  readonly #bulks: boolean;
  readonly #inside: Opened["inside"];
  readonly #cork = new Cork();

  constructor({ native, socket, inside }: Opened, setup: MariadbSetup) {
    super(socket, setup);
    this.native = native;
    this.#inside = inside;
    this.status = native.info.status;
    this.#sessionVariables = setup.sessionVariables;
    this.#bulks = setup.bulks;
    native.on("error", (error) => this.lose(error));
  }

  get id(): number {
    return this.native.threadId!;
  }

  giveRoom(): boolean {
    const keeps = this.#inside?.prepareCache;
    if (!keeps || keeps.toString() === NONE_KEPT) return false;
    keeps.reset();
    return true;
  }

  protected query(statement: Part): Promise<Result> {
    return new Promise((resolve, reject) => {
      const entry = this.sent(statement, reject);
      this.#cork.hold(this.socket);
      const rows = statement.own ? OWN : ROWS_AS_ARRAY;
      this.sending(entry, () =>
        this.native.query({ sql: statement.sql, ...rows }, (error, answer, meta) => {
          this.#answered(entry, error, answer, meta, resolve);
        }),
      );
    });
  }

  protected prepared(statement: Statement, values: unknown[]): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#execute(this.sent(statement, reject), values, resolve, true);
    });
  }

  /**
   * In bulk where that gives the same; all of it with one handle, since mariadb takes a turn for each time that a text
   * is prepared.
   */
  protected async many(
    sql: string,
    first: Params,
    whole: Statement | undefined,
    refusing: string,
  ): Promise<Many | undefined> {
    const isBulk = this.#bulks && canBulk(this.native.info) && isPlain(sql);
    if (!this.goesAhead && !isBulk) return undefined;
    const isText = (first as unknown[]).length === 0;
    const prepared = isText ? undefined : await this.#prepare(sql);
    if (!isText && prepared === undefined) return undefined;
    const refuser = this.goesAhead ? await this.#prepare(refusing) : undefined;
    const part = (params: Params): Part => ({ sql, params, rowMode: "array", whole, ahead: true });
    const one = (params: Params): Step => ({
      lists: [params],
      bytes: bytesOf(params, this.maxAllowedPacket),
      run: async () => {
        const { rowCount } = await (prepared === undefined
          ? this.execute(part(params))
          : this.#step(part(params), prepared));
        return rowCount;
      },
    });
    const many = (lot: Lot): Step => {
      const [list] = lot.rows;
      const fits =
        lot.rows.length > 1 && knowsBulk(prepared!) && lot.types?.length === prepared!.parameterCount;
      if (!fits) return one(list!);
      const run = async () => (await this.#bulk(part(list!), prepared!, lot)).rowCount;
      return { lists: lot.rows, bytes: lot.bytes, run };
    };
    const inLots = function* (lists: readonly Params[]): Generator<Step> {
      for (const lot of lots(lists as readonly unknown[][], maxBytes, asDouble)) yield many(lot);
    };
    let asDouble: readonly number[] = [];
    const maxBytes = this.maxAllowedPacket;
    return {
      steps: isBulk && prepared !== undefined ? inLots : (lists) => lists.map(one),
      look: async (lists) => {
        if (isBulk) asDouble = await this.#kindsAsDouble(sql, lists as readonly unknown[][], whole);
      },
      refuseWrites: () =>
        refuser === undefined ? this.tell(refusing) : refuser.execute([], ROWS_AS_ARRAY, () => {}),
      close: () => {
        prepared?.close();
        refuser?.close();
      },
    };
  }

  protected async rows(statement: Statement, _batch: number, ended: () => void): Promise<RowSource> {
    const readable = await this.#readable(statement);
    let names: string[] = [];
    let sets = 0;
    readable.on("fields", (meta: FieldInfo[]) => {
      if (++sets === 1) names = columnsOf(meta).map(({ name }) => name);
      else if (sets === 2) endRows(readable);
    });
    readable.on("error", ended).once("end", ended);
    return {
      readable,
      isRow: Array.isArray,
      shape: (row) => {
        refuseFaults(row as unknown[]);
        return statement.rowMode === "array" ? row : toObject(row as unknown[], names);
      },
      discard: () => {
        readable.close();
        readable.resume();
      },
    };
  }

  protected tell(sql: string): void {
    this.native.query({ sql, ...ROWS_AS_ARRAY }, () => {});
  }

  protected async resetSession(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.native.reset((error) => (error ? reject(error) : resolve()));
    });
    // mariadb sets them when it connects, and forgets them here.
    for (const [name, value] of Object.entries(this.#sessionVariables)) {
      await this.prepared(
        { sql: `SET @@${name.replace(/\W/g, "")} = ?`, params: undefined, rowMode: "array" },
        [value],
      );
    }
  }

  /**
   * mariadb is told of an end. Under TLS it has put another socket around this one, and leaves that without a listener
   * as soon as it hears of an error: the same error would come out there too, and end the process.
   */
  protected override hangUp(): void {
    this.socket.emit("end");
    this.socket.destroy();
  }

  protected quit(): void {
    this.native.end(() => {});
  }

  protected translate(error: unknown): AdbapiError {
    return translate(error);
  }

  protected askStatus(done: (error: unknown) => void): void {
    this.native.ping((error) => {
      if (!error) this.status = this.native.info.status;
      done(error);
    });
  }

  #execute(
    entry: InFlight,
    values: unknown[],
    resolve: (result: Result | Promise<Result>) => void,
    again: boolean,
  ): void {
    const ready = (error: ServerError | null | undefined, prepared: Prepared) => {
      if (error) return this.failed(entry, error);
      const wrong = this.mismatch(prepared.parameterCount, values.length);
      if (wrong !== undefined) {
        prepared.close();
        return this.settle(entry, () => entry.reject(wrong));
      }
      const answered: Answer = (error, answer) => {
        prepared.close();
        if (again && error && unknownStatement(error, entry.statement.sql))
          this.#execute(entry, values, resolve, false);
        else this.#answered(entry, error, answer, metaOf(answer), resolve);
      };
      this.sending(entry, () => this.#run(prepared, values, answered));
    };
    this.sending(entry, () => this.#ready(entry.statement.sql, ready));
  }

  /** Where the server has no room for one more, those that this session keeps make room, or those of another. */
  #ready(sql: string, ready: Ready): void {
    this.native.prepare(sql, (error, prepared) => {
      if (!error || !isFull(error)) return ready(error, prepared);
      let tell = () => ready(error, prepared);
      const ask = () =>
        new Promise<boolean>((resolve) => {
          this.native.prepare(sql, (error, prepared) => {
            tell = () => ready(error, prepared);
            resolve(!error || !isFull(error));
          });
        });
      const again = async () => (this.giveRoom() && (await ask())) || this.room(ask);
      void again().then(() => tell());
    });
  }

  #run(prepared: Prepared, values: unknown[], answered: Answer): void {
    this.#cork.hold(this.socket);
    withUnsigned(prepared.conn, values, () => prepared.execute(values, ROWS_AS_ARRAY, answered));
  }

  #prepare(sql: string): Promise<Prepared | undefined> {
    return new Promise((resolve) => {
      this.#ready(sql, (error, prepared) => resolve(error ? undefined : prepared));
    });
  }

  /** One list of many, sent at once. */
  #step(statement: Part, prepared: Prepared): Promise<Result> {
    const values = statement.params as unknown[];
    const refused = this.refusal(statement) ?? this.mismatch(prepared.parameterCount, values.length);
    if (refused !== undefined) return Promise.reject(refused);
    return new Promise((resolve, reject) => {
      const entry = this.sent(statement, reject);
      const answered: Answer = (error, answer) =>
        this.#answered(entry, error, answer, metaOf(answer), resolve);
      this.sending(entry, () => this.#run(prepared, values, answered));
    });
  }

  #bulk(statement: Part, prepared: Prepared, lot: Lot): Promise<Result> {
    const refused = this.gone();
    if (refused !== undefined) return Promise.reject(refused);
    return new Promise((resolve, reject) => {
      const entry = this.sent(statement, reject);
      this.#cork.hold(this.socket);
      const answered: Answer = (error, answer) => this.#answered(entry, error, answer, undefined, resolve);
      this.sending(entry, () => bulk(prepared, lot, answered));
    });
  }

  /** Of each param, which integers its column stores the same where they come as a DOUBLE. */
  async #kindsAsDouble(
    sql: string,
    rows: readonly (readonly unknown[])[],
    whole: Statement | undefined,
  ): Promise<readonly number[]> {
    const mixed = mixedParams(rows);
    const target = mixed.length > 0 ? columnsOfParams(sql) : undefined;
    if (target === undefined || mixed.every((at) => target.places[at] === undefined)) return [];
    const columns = await this.#columns({ sql: target.sql, params: undefined, rowMode: "array", whole });
    return target.places.map((place) => kindsAsDouble(place === undefined ? undefined : columns.at(place)));
  }

  /** Of the rows that the statement would give; none where the server does not tell. */
  #columns(statement: Part): Promise<readonly FieldInfo[]> {
    if (this.gone() !== undefined) return Promise.resolve([]);
    return new Promise((resolve) => {
      const entry = this.sent(statement, () => resolve([]));
      this.sending(entry, () =>
        this.native.query({ sql: statement.sql, ...OWN }, (error, answer, meta) => {
          this.#answered(entry, error, answer, meta, () => resolve(meta as readonly FieldInfo[]));
        }),
      );
    });
  }

  #readable({ sql, params }: Statement): Promise<Readable> {
    const values = (params ?? []) as unknown[];
    if (values.length === 0)
      return this.opening(() => this.native.queryStream({ sql, ...ROWS_AS_ARRAY }) as Readable);
    return new Promise((resolve, reject) => {
      const ready: Ready = (error, prepared) => {
        if (error) return reject(error);
        const wrong = this.mismatch(prepared.parameterCount, values.length);
        if (wrong !== undefined) {
          prepared.close();
          return reject(wrong);
        }
        const stream = () => prepared.executeStream(values, ROWS_AS_ARRAY) as Readable;
        const open = () => {
          const readable = streaming(prepared.conn, values, stream);
          return readable.once("end", () => prepared.close());
        };
        resolve(this.opening(open));
      };
      this.opening(() => this.#ready(sql, ready)).catch(reject);
    });
  }

  #answered(
    entry: InFlight,
    error: ServerError | null | undefined,
    answer: unknown,
    meta: unknown,
    resolve: (result: Result | Promise<Result>) => void,
  ): void {
    if (error) {
      this.failed(entry, error);
      return;
    }
    this.status = this.native.info.status;
    let result: Result | Promise<Result>;
    try {
      result = this.keyed(resultOf(entry.statement, answer, meta));
    } catch (error) {
      this.settle(entry, () => entry.reject(unreadable(error)));
      return;
    }
    this.settle(entry, () => resolve(result));
  }
}

function metaOf(answer: unknown): unknown {
  return (answer as { meta?: unknown } | undefined)?.meta;
}

function resultOf(statement: Statement, answer: unknown, meta: unknown): Result {
  if (!Array.isArray(answer)) return written(answer as UpsertResult);
  if (Array.isArray(meta) && meta[0] instanceof Object && !Array.isArray(meta[0]))
    return ofRows(statement, answer, meta);
  // CALL, or several statements: the first that has rows, as a cursor of PEP 249 stands there.
  const first = Math.max(0, answer.findIndex(Array.isArray));
  const found = answer[first];
  if (!Array.isArray(found)) return written(found as UpsertResult);
  return ofRows(statement, found, Array.isArray(meta) ? meta[first] : (found as { meta?: unknown }).meta);
}

function ofRows(statement: Statement, answer: unknown[], meta: unknown): Result {
  const columns = columnsOf(meta as FieldInfo[]);
  const rows = statement.rowMode === "array" ? answer : toObjects(answer, columns);
  return { rows, rowCount: rows.length, lastInsertId: undefined, columns };
}

function written({ affectedRows, insertId }: UpsertResult): Result {
  return { rows: [], rowCount: Number(affectedRows), lastInsertId: generatedKey(insertId), columns: [] };
}
