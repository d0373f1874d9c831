/**
 * Which server an error came from. Up to 1899 MySQL and MariaDB have their numbers in common, beyond that each has a
 * table of its own, in which one number means two things. Each package has one of the tables for names, whichever
 * server it talks to.
 */
import type { ServerError } from "./server-error.js";

/** Whose table of numbers a server has. */
export type Product = "mysql" | "mariadb";

/** By what the server says of its version. */
export function productOf(version: string): Product;
export function productOf(version: string | undefined): Product | undefined;
export function productOf(version: string | undefined): Product | undefined {
  if (version === undefined) return undefined;
  return /mariadb/i.test(version) ? "mariadb" : "mysql";
}

/** Which server an error came from, where that is known. */
const senders = new WeakMap<object, Product>();

/**
 * To be called with each error of a session, or of its connect; `names` says whose names the package gives. Gives the
 * error back with a `code` that is its own. A server that hung up before its greeting is not known: then a number that
 * means two things has no name.
 */
export function sentBy<E>(error: E, product: Product | undefined, names: Product): E {
  const fault = error as ServerError | null | undefined;
  if (typeof fault !== "object" || fault === null || senders.has(fault)) return error;
  if (product !== undefined) senders.set(fault, product);
  const { errno } = fault;
  if (!isOfServer(errno)) return error;
  const unnamed = fault.code === undefined || fault.code === null || fault.code === "UNKNOWN";
  if (unnamed || (product !== names && isOfOne(errno)))
    Reflect.set(fault, "code", nameOf(errno, product) ?? String(errno));
  return error;
}

/** Whether the number is of an error that a server sent: mariadb's own have numbers from 45000 on. */
export function isOfServer(errno: ServerError["errno"]): errno is number {
  return typeof errno === "number" && errno >= 1000 && errno < 45_000;
}

function nameOf(errno: number, product: Product | undefined): string | undefined {
  if (product !== undefined) return NAMES[product][errno];
  return NAMES.mysql[errno] === NAMES.mariadb[errno] ? NAMES.mysql[errno] : undefined;
}

/** Of an error whose sender is not known, both: few numbers are in either. */
export function productsOf(fault: ServerError): readonly Product[] {
  const product = senders.get(fault);
  return product === undefined ? ["mysql", "mariadb"] : [product];
}

/** Names that the other product's package does not have, of numbers that mean something here. */
const NAMES: Readonly<Record<Product, Readonly<Record<number, string>>>> = {
  mysql: {
    1834: "ER_FK_CANNOT_DELETE_PARENT",
    3024: "ER_QUERY_TIMEOUT",
    3058: "ER_USER_LOCK_DEADLOCK",
    3098: "ER_BEFORE_DML_VALIDATION_ERROR",
    3118: "ER_ACCOUNT_HAS_BEEN_LOCKED",
    3140: "ER_INVALID_JSON_TEXT",
    3141: "ER_INVALID_JSON_TEXT_IN_PARAM",
    3156: "ER_INVALID_JSON_VALUE_FOR_CAST",
    3159: "ER_SECURE_TRANSPORT_REQUIRED",
    3572: "ER_LOCK_NOWAIT",
    3819: "ER_CHECK_CONSTRAINT_VIOLATED",
    4031: "ER_CLIENT_INTERACTION_TIMEOUT",
  },
  mariadb: {
    1834: "ER_FK_CANNOT_DELETE_PARENT",
    1916: "ER_DATA_OVERFLOW",
    1927: "ER_CONNECTION_KILLED",
    1969: "ER_STATEMENT_TIMEOUT",
    3058: "ER_USER_LOCK_DEADLOCK",
    3159: "ER_SECURE_TRANSPORT_REQUIRED",
    4024: "ER_INVALID_NTILE_ARGUMENT",
    4025: "ER_CONSTRAINT_FAILED",
    4031: "ER_REFERENCED_TRG_DOES_NOT_EXIST",
    4038: "ER_JSON_SYNTAX",
    4039: "ER_JSON_ESCAPING",
    4079: "ER_ILLEGAL_PARAMETER_DATA_TYPE_FOR_OPERATION",
    4091: "ER_UNKNOWN_SEQUENCES",
    4151: "ER_ACCOUNT_HAS_BEEN_LOCKED",
    4161: "ER_UNKNOWN_DATA_TYPE",
    4162: "ER_UNKNOWN_OPERATOR",
  },
};

/** Whether the number has a name in one table that it has not in the other. */
function isOfOne(number: number): boolean {
  return number >= 1860 || NAMED_APART.has(number);
}

/** Numbers below that which mysql2 and mariadb name differently: renamed since, or given to another error. */
const NAMED_APART = new Set([
  1072, 1076, 1101, 1150, 1151, 1165, 1176, 1185, 1188, 1189, 1190, 1199, 1200, 1201, 1202, 1218, 1236, 1237,
  1252, 1274, 1277, 1278, 1448, 1487, 1506, 1507, 1547, 1548, 1557, 1561, 1568, 1593, 1608, 1610, 1617, 1624,
  1625, 1650, 1669, 1678, 1703, 1704, 1720, 1721, 1725, 1726, 1729, 1742, 1749, 1753, 1754, 1755, 1756, 1760,
  1763, 1768, 1776, 1777, 1779, 1787, 1789, 1794, 1796, 1802, 1803, 1804, 1806, 1807, 1826, 1834, 1837, 1852,
  1858,
]);
