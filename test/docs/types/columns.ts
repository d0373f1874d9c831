/** What is asked of each database: a column type, and a value as its SQL writes it. */
export interface Column {
  readonly type: string;
  readonly literal: string;
  /** What has to be said before such a value can be stored. */
  readonly before?: string;
}

const of = (type: string, literal: string, before?: string): Column =>
  before === undefined ? { type, literal } : { type, literal, before };

export const POSTGRES: readonly Column[] = [
  of("smallint", "7"),
  of("integer", "7"),
  of("bigint", "9007199254740993"),
  of("oid", "4294967295"),
  of("numeric(10, 2)", "1.50"),
  of("numeric", "12345678901234567890.12"),
  of("real", "1.1"),
  of("double precision", "1.1"),
  of("double precision", "'NaN'"),
  of("money", "1.50"),
  of("boolean", "true"),
  of("bit(3)", "b'101'"),
  of("text", "'x'"),
  of("char(3)", "'x'"),
  of("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"),
  of("bytea", "'\\x01ff'"),
  of("json", `'{"a": 1}'`),
  of("jsonb", `'[1, 2]'`),
  of("date", "'2024-02-03'"),
  of("date", "'infinity'"),
  of("time", "'04:05:06.789'"),
  of("timetz", "'04:05:06+02'"),
  of("timestamp", "'2024-02-03 04:05:06.789'"),
  of("timestamp", "'2024-02-03 04:05:06.789123'"),
  of("timestamptz", "'2024-02-03 04:05:06.789+00'"),
  of("interval", "'1 day 02:03:04.5'"),
  of("inet", "'10.0.0.1/8'"),
  of("point", "'(1,2)'"),
  of("int4range", "'[1,3)'"),
  of("numrange", "'[1.50,2)'"),
  of("int4multirange", "'{[1,3)}'"),
  of("tsvector", "'a b'"),
  of("xml", "'<a/>'"),
  of("integer[]", "'{1,2,NULL}'"),
  of("bigint[]", "'{9007199254740993}'"),
  of("numeric[]", "'{1.50,2}'"),
  of("text[][]", "'{{a,b},{c,d}}'"),
  of("boolean[]", "'{t,f}'"),
  of("date[]", "'{2024-02-03}'"),
  of("jsonb[]", `array['{"a": 1}', '[1]']::jsonb[]`),
  of("mood (an enum)", "'sad'"),
  of("mood[]", "'{sad,NULL}'"),
  of("price (a domain over numeric)", "1.50"),
  of("price[]", "'{1.50}'"),
  of("pair (a composite type)", "row(1, 'x')"),
  of("pair[]", "array[row(1, 'x')::pair]"),
];

/** The types that the table of PostgreSQL speaks of. */
export const POSTGRES_TYPES = [
  "create type mood as enum ('sad', 'happy')",
  "create domain price as numeric",
  "create type pair as (a int, b text)",
];

export const MYSQL: readonly Column[] = [
  of("tinyint(1)", "1"),
  of("int", "7"),
  of("int unsigned", "4294967295"),
  of("bigint", "7"),
  of("bigint", "9007199254740993"),
  of("bigint unsigned", "18446744073709551615"),
  of("decimal(10, 2)", "1.50"),
  of("decimal(30, 2)", "12345678901234567890.12"),
  of("float", "1.1"),
  of("double", "1.1"),
  of("bit(1)", "b'1'"),
  of("bit(12)", "b'101'"),
  of("varchar(9)", "'x'"),
  of("char(3)", "'x'"),
  of("text", "'x'"),
  of("enum('sad', 'happy')", "'sad'"),
  of("set('a', 'b')", "'a,b'"),
  of("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"),
  of("binary(2)", "x'01ff'"),
  of("blob", "x'01ff'"),
  of("json", `'{"a": 1}'`),
  of("date", "'2024-02-03'"),
  of("date", "'0000-00-00'", "set sql_mode = ''"),
  of("date", "'2024-00-10'", "set sql_mode = ''"),
  of("datetime", "'2024-02-03 04:05:06'"),
  of("datetime(6)", "'2024-02-03 04:05:06.789123'"),
  of("datetime", "'0000-00-00 00:00:00'", "set sql_mode = ''"),
  of("timestamp", "'2024-02-03 04:05:06'"),
  of("time", "'-26:05:06'"),
  of("year", "2024"),
  of("point", "point(1, 2)"),
];

export const SQLITE: readonly Column[] = [
  of("integer", "7"),
  of("integer", "9007199254740993"),
  of("real", "1.5"),
  of("real", "1"),
  of("text", "'x'"),
  of("blob", "x'01ff'"),
  of("numeric", "'1.50'"),
  of("numeric", "'12345678901234567890.12'"),
  of("boolean", "true"),
  of("date", "'2024-02-03'"),
  of("datetime", "'2024-02-03 04:05:06'"),
  of("json", `'{"a": 1}'`),
  of("any", "null"),
];
