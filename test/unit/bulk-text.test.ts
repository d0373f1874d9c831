import { describe, expect, test } from "vitest";
import { encoded, lots } from "../../dist/drivers/mariadb/bulk/lots.js";
import { columnsOfParams } from "../../dist/drivers/mariadb/bulk/param-columns.js";
import { kindsAsDouble, mixedParams } from "../../dist/drivers/mariadb/bulk/param-types.js";
import { isPlain } from "../../dist/drivers/mariadb/bulk/text.js";

describe("what MariaDB may run in bulk", () => {
  test.each([
    "insert into t values (?, ?)",
    "INSERT INTO `a b`.t (id, `select`) VALUES (?, 'it''s (select 1)')",
    "insert ignore t(a,b) value (?, default)",
    "replace into t set a = ?, b = -1.5, c = null",
    "insert into t values (?, 'it''s', \"\", 1e-3), (?, a - 1, true)",
    "insert into t (a) values (?) on duplicate key update n = d.t.n + values(n) * 2, m = ?, a = value(t.a)",
    "insert into t () values ()",
    "update t set a = ?, b = concat(b, ?) where id = ? and c in (?, 'x') order by id limit 3",
    "delete from d.t where id = ? or (a between ? and ?)",
    "\n update low_priority t set a = -? where not (b <=> ?)",
  ])("%s", (sql) => expect(isPlain(sql)).toBe(true));

  test.each([
    "select ?",
    "insert into t values (?, (select 1))",
    "insert into t values (?, (SELECT/**/1))",
    "insert into t values (?, exists(table u))",
    "insert into t select ?",
    "insert into t (a) select ? from u",
    "insert into t (a) with q as (values (1)) values (?)",
    "insert into t values (?) returning id",
    "insert into t values (?, upper(?))",
    "insert into t values (?, ? + 1)",
    "insert into t values (?, 1 - ?)",
    "insert into t values (?, -?)",
    "insert into t values (?, ? in (?, 7))",
    "insert into t values (?, ? = 7)",
    "insert into t values (?, ? like 'a%')",
    "insert into t values (?, ? is null)",
    "insert into t values (?, not ?)",
    "insert into t values (?, (?))",
    "insert into t values (?, case ? when 1 then 2 end)",
    "insert into t values (?, ? collate utf8mb4_bin)",
    "insert into t values (?, ? div 2)",
    "insert into t values (?, interval ? day + ?)",
    "insert into t values (?, default(a))",
    "insert into t values (?",
    "insert into t values ?",
    "insert into t values (?,)",
    "insert into t values (?) on duplicate key update a = if(? > 1, 2, ?)",
    "insert into t values (?) on duplicate key update a = a + ?",
    "insert into t values (?) on duplicate key update a = a = ?",
    "insert into t values (?) as new on duplicate key update a = new.a",
    "insert into t set a = ?, b = concat(?, 'x')",
    "insert into t set a. = ?",
    "insert into t values (?, now(6))",
    "insert into t values (?, current_timestamp)",
    "insert into t values (?, last_insert_id())",
    "insert into t values (?, `f`(?))",
    "insert into t values (?, d.f(?))",
    "insert into t values (?, rand ( ))",
    "insert into t values (?, nextval(s))",
    "insert into t values (?, next value for s)",
    "insert into t values (?, @a := ?)",
    "insert into t values (?, @@x)",
    "/* x */ insert into t values (?)",
    "insert /*! delayed */ into t values (?)",
    "insert delayed into t values (?)",
    "insert into t values (?) -- x",
    "insert into t values (?) # x",
    "insert into t values ('\\'', ?)",
    "insert into t values ('open, ?)",
    "insert into t values (?);",
    "insert into t partition (p0) values (?)",
    "update t, u set t.a = ? where t.id = u.id",
    "update t join u using (id) set t.a = ?",
    "update t as x set a = ?",
    "update t set a = (select max(b) from u where c = ?)",
    "update t set a = ? where id in (select id from u)",
    "delete t from t join u using (id) where t.a = ?",
    "delete from t using t join u where t.a = ?",
    "delete from t",
    "delete from t where a = uuid() or b = ?",
    "call p(?)",
    "",
    "insert",
  ])("not %s", (sql) => expect(isPlain(sql)).toBe(false));

  test("is told in a time that grows with the text", () => {
    const words = (count: number) =>
      `insert into t values (${"x.".repeat(count)}y, ${"'a' + ".repeat(count)}2, ?)`;
    const millis = (sql: string) => {
      const start = performance.now();
      isPlain(sql);
      return performance.now() - start;
    };
    millis(words(1000));
    expect(millis(words(200_000))).toBeLessThan(5_000);
  });
});

describe("the columns that params are stored in", () => {
  test.each([
    ["insert into t values (?, 1, ?), (?, ?, a)", "SELECT t.* FROM t LIMIT 0", [0, 2, 0, 1]],
    [
      "insert into d.`t` (a, `b``c`) values (?, ?)",
      "SELECT d.`t`.a, d.`t`.`b``c` FROM d.`t` LIMIT 0",
      [-2, -1],
    ],
    ["replace low_priority t set b = ?, t.a = ?", "SELECT t.b, t.a FROM t LIMIT 0", [-2, -1]],
    [
      "insert into t values (?, values(a)) on duplicate key update a = ?, b = ?, a = ?",
      "SELECT t.*, t.a, t.b FROM t LIMIT 0",
      [0, -2, -1, -2],
    ],
    [
      "update t set a = ?, b = b + ?, c = if(x, e = ?, f = ?), d = ? where e = ? order by f, g = ?, h = ? limit ?",
      "SELECT t.a, t.d FROM t LIMIT 0",
      [-2, undefined, undefined, undefined, -1, undefined, undefined, undefined, undefined],
    ],
  ])("%s", (sql, asked, places) => {
    expect(isPlain(sql)).toBe(true);
    expect(columnsOfParams(sql)).toEqual({ sql: asked, places });
  });

  test.each(["delete from t where a = ?", "update t set a = -? where b = ?", "insert into t values (1)"])(
    "none in %s",
    (sql) => expect(columnsOfParams(sql)).toBeUndefined(),
  );
});

describe("lots", () => {
  const shape = (rows: unknown[][], most = 1e9) =>
    [...lots(rows, most)].map((lot) => [lot.rows.length, lot.types]);

  test("end where types contradict each other, and not at NULL, dates or the width of an integer", () => {
    const at = new Date(0);
    const rows = [
      [null, null, at],
      [1, null, null],
      [null, "a", at],
      [-1, "b", at],
      [5n, null, at],
      [true, null, at],
      [2n ** 62n, "c", null],
    ];
    expect(shape(rows)).toEqual([[7, [8, 253, 12]]]);
    expect(shape([[1], [-5], [null]])).toEqual([[3, [3]]]);
    expect(shape([[1], [2n ** 63n], [2n ** 64n - 1n]])).toEqual([[3, [0x8008]]]);
    expect(shape([[-1], [2n ** 63n], [2n ** 63n], [-1]])).toEqual([
      [1, [3]],
      [2, [0x8008]],
      [1, [3]],
    ]);
    expect(shape([[1], [0.5], [0.25], [null], [1], ["1"]])).toEqual([
      [1, [3]],
      [3, [5]],
      [1, [3]],
      [1, [253]],
    ]);
  });

  test("go on where integers may travel as DOUBLE beside decimals, and are written as that", () => {
    const int32 = kindsAsDouble({ columnType: 253, columnLength: 400, flags: 0 } as never);
    const all = kindsAsDouble({ columnType: 246, columnLength: 11, flags: 0 } as never);
    const rows = [[1], [0.5], [null], [-0], [2n ** 40n], [true], [2n ** 53n + 1n], [0.5]];
    const shape = (asDouble: number) =>
      [...lots(rows, 1e9, [asDouble])].map((lot) => [lot.rows.length, lot.types]);
    expect(shape(all)).toEqual([
      [6, [5]],
      [1, [8]],
      [1, [5]],
    ]);
    expect(shape(int32)).toEqual([
      [4, [5]],
      [3, [8]],
      [1, [5]],
    ]);
    const double = (value: number) => Buffer.from(new Float64Array([value]).buffer).readBigInt64LE();
    expect(encoded([...lots(rows, 1e9, [all])][0]!)).toEqual(
      [double(1), 0.5, null, 0n, double(2 ** 40), double(1)].map((value) => [value]),
    );
    expect(
      mixedParams([
        [1, 1, 0.5, "a", null],
        [0.5, 2n, 1e300, 0.5, 1],
        [2, null, 0.5, 1, 3],
      ]),
    ).toEqual([0, 3]);
    for (const column of [
      undefined,
      { columnType: 254, columnLength: 400, flags: 256 },
      { columnType: 254, columnLength: 400, flags: 2048 },
      { columnType: 253, columnLength: 12, flags: 0 },
      { columnType: 16, columnLength: 40, flags: 32 },
      { columnType: 12, columnLength: 19, flags: 0 },
    ])
      expect(kindsAsDouble(column as never)).toBe(0);
  });

  test("end before they are too large, and where a row has another length", () => {
    const wide = Array.from({ length: 10 }, () => ["x".repeat(1000)]);
    expect(shape(wide, 14_000).map(([count]) => count)).toEqual([2, 2, 2, 2, 2]);
    expect(shape([[1], [1, 2], [1, 2]]).map(([count]) => count)).toEqual([1, 2]);
    expect(shape([[Symbol("none")], [1]])).toEqual([
      [1, undefined],
      [1, [3]],
    ]);
  });
});
