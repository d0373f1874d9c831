import { outOfRange, type ParamRules, refuse, wellFormed } from "../../common/params.js";

const minInt64 = -(2n ** 63n);
const maxUint64 = 2n ** 64n - 1n;

/**
 * What MySQL and MariaDB can hold, the same for both packages. No method of a param is ever called, `toSqlString` least
 * of all.
 */
export const mysqlRules: ParamRules = {
  limit: 65_535,
  named: false,
  text: wellFormed,
  number(value, place) {
    if (Number.isFinite(value)) return value;
    return refuse(place, `is ${value}`, "MySQL has no such number and would store NULL");
  },
  bigint(value, place) {
    if (value >= minInt64 && value <= maxUint64) return value;
    return outOfRange(place, "is a bigint beyond 64 bits", "bind it as text for a DECIMAL column");
  },
  boolean: (value) => value,
  date(value, place) {
    if (value.getFullYear() >= 0 && value.getUTCFullYear() >= 0) return value;
    return refuse(place, "is a Date before the year 0", "MySQL has no such dates");
  },
  array: (_value, place) =>
    refuse(
      place,
      "is an array",
      "MySQL has no arrays: bind JSON.stringify(…) or one value for each placeholder",
    ),
  object: (_value, place) => refuse(place, "is an object", "bind JSON.stringify(…) for a JSON column"),
};
