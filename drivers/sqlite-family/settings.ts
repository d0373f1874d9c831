/** The settings of a session of SQLite: read when it is new, and brought back to what they were. */

/** A package's database handle, as far as a session is brought back through it. */
export interface Handle {
  /**
   * Rows as arrays: of objects better-sqlite3 makes code from a string, which `--disallow-code-generation-from-strings`
   * forbids.
   */
  rows(sql: string): readonly (readonly unknown[])[];
  exec(sql: string): unknown;
}

/** In the order in which they are brought back: those that would keep the others from being set come first. */
const OF_SESSION = (
  "query_only writable_schema temp_store foreign_keys automatic_index analysis_limit busy_timeout cache_size temp.cache_size cache_spill " +
  "cell_size_check checkpoint_fullfsync count_changes empty_result_callbacks full_column_names fullfsync ignore_check_constraints journal_mode " +
  "temp.journal_mode journal_size_limit temp.journal_size_limit legacy_alter_table legacy_file_format locking_mode temp.locking_mode " +
  "max_page_count temp.max_page_count mmap_size read_uncommitted recursive_triggers reverse_unordered_selects secure_delete " +
  "temp.secure_delete short_column_names synchronous temp.synchronous threads trusted_schema wal_autocheckpoint"
).split(" ");

/** Settings that the database keeps, those that end with the transaction, and PRAGMAs that only ask or do something. */
const LEFT_ALONE = (
  "application_id auto_vacuum case_sensitive_like collation_list compile_options data_version database_list default_cache_size " +
  "defer_foreign_keys encoding foreign_key_check foreign_key_list freelist_count function_list incremental_vacuum index_info index_list " +
  "index_xinfo integrity_check module_list optimize page_count page_size pragma_list quick_check schema_version shrink_memory stats " +
  "table_info table_list table_xinfo user_version wal_checkpoint"
).split(" ");

type Value = string | number | undefined;

export class SessionSettings {
  readonly #db: Handle;
  readonly #values = new Map<string, Value>();
  readonly #likeIgnoresCase: Value;
  /** The PRAGMAs of this build that hold for the whole process, or cannot be read back. */
  readonly unrestorable: ReadonlySet<string>;

  constructor(db: Handle) {
    this.#db = db;
    const there = new Set(db.rows("pragma pragma_list").map(([name]) => name as string));
    this.#loadTemporary();
    for (const name of OF_SESSION) if (there.has(bare(name))) this.#values.set(name, this.#read(name));
    this.#likeIgnoresCase = this.#likes();
    const known = new Set([...OF_SESSION.map(bare), ...LEFT_ALONE]);
    this.unrestorable = new Set([...there].filter((name) => !known.has(name)));
  }

  /** Throws where one cannot be brought back. */
  restore(): void {
    this.#loadTemporary();
    for (const [name, value] of this.#values) {
      // A temporary database that was opened anew reports the old value, and uses its own default.
      if (this.#read(name) === value && name !== "temp.cache_size") continue;
      this.#db.exec(`pragma ${name} = ${literal(name, value)}`);
      const now = this.#read(name);
      if (now !== value) throw new Error(`pragma ${name} is ${now}, and cannot be set to ${value} again`);
    }
    // This one cannot be asked for: its effect tells.
    if (this.#likes() !== this.#likeIgnoresCase)
      this.#db.exec(`pragma case_sensitive_like = ${this.#likeIgnoresCase === 1 ? "off" : "on"}`);
  }

  /** SQLite tells the settings of its temporary schema only once it has looked at it. */
  #loadTemporary(): void {
    this.#db.rows("select * from temp.sqlite_master");
  }

  #likes(): Value {
    return first(this.#db.rows("select 'a' like 'A'"));
  }

  #read(name: string): Value {
    return first(this.#db.rows(`pragma ${name}`));
  }
}

function bare(name: string): string {
  return name.slice(name.indexOf(".") + 1);
}

function first([row]: readonly (readonly unknown[])[]): Value {
  return row?.[0] as Value;
}

function literal(name: string, value: Value): string {
  // SQLite reports its three values as numbers, and takes the third only by its name.
  if (bare(name) === "secure_delete" && value === 2) return "fast";
  return typeof value === "number" ? String(value) : `'${(value ?? "").replaceAll("'", "''")}'`;
}
