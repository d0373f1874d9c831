/**
 * Words that the messages of PostgreSQL, MySQL, MariaDB, SQLite and their packages are made of. A param may hold them
 * too, and then they tell nothing of it: outside of quotes they stay, so that a message can still be read.
 */
export const VOCABULARY: ReadonlySet<string> = new Set(
  `about abort aborted access account active after aggregate allowed already also ambiguous another argument arguments array arrays
  assignment at attempt authentication available because before begin between bind binary boolean bytes cached call called cannot cast
  cause change changed character check client close closed code collation collations column columns command commit commits committed
  conflict connect connection constraint contains conversion convert corrupt could create current cursor data database date datatype
  deadlock default defined delete denied detected different digits disk division does down driver drop duplicate each element empty
  encoding entry enum error errors exceeded exceeds execute executed execution exist existing exists expected expression failed failing
  false field fields file first float following for foreign format found from full function functions given group has have hint identical
  implicitly incorrect index input insert instead integer interface internal interval into invalid json jsonb key keys killed large last
  length less like limit line list literal local lock locked long lost malformed many match memory message missing mixed mode more most
  multiple must name named near negative nested next not null number numeric object only open operation operator option order other
  outside packet page param parameter parameters params parent parse permission permitted point pool position possible prepare prepared
  primary privilege privileges query range read reached record recursion reference references referenced relation required reset result
  returned returns right rollback rolled row rows runtime same savepoint schema second select sequence server session should shutdown
  signal size snapshot some started state statement statements still stored string subquery such support supplied supported syntax system
  table tables temporary terminated terminating text than that their there this time timeout timestamp token transaction trigger
  true truncated type types unable unique unknown unsigned update used user using valid value values variable varying version view
  violates violation wait was were when where which while will with within without write wrong year zero zone`
    .split(/\s+/)
    .filter((word) => word !== ""),
);
