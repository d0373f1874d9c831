/**
 * The numbers of the servers' errors: up to 1899 MySQL and MariaDB have them in common, beyond that each has a table of
 * its own, in which one number means two things. Each package has one of the tables for names, whichever server it
 * talks to.
 * @see https://mariadb.com/kb/en/mariadb-error-codes/
 * @see https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
 */
import {
  type AdbapiError,
  CheckViolation,
  DatabaseError,
  DataError,
  DeadlockDetected,
  type ErrorDetails,
  ForeignKeyViolation,
  IntegrityError,
  InternalError,
  LockNotAvailable,
  NotNullViolation,
  NotSupportedError,
  OperationalError,
  ProgrammingError,
  SerializationFailure,
  StatementTimeout,
  UniqueViolation,
} from "../../src/errors/classes.js";
import type { ServerError } from "./errors.js";

type ErrorClass = new (message: string, details?: ErrorDetails) => AdbapiError;

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
 * To be called with whatever a session fails with, or its connect; `names` is whose names the package gives. Gives it
 * back with a `code` that is its own. Who hung up before a greeting is not known: then a number that means two things
 * has no name.
 */
export function sentBy<E>(error: E, product: Product | undefined, names: Product): E {
  const fault = error as ServerError | null | undefined;
  if (typeof fault !== "object" || fault === null || senders.has(fault)) return error;
  if (product !== undefined) senders.set(fault, product);
  const { errno } = fault;
  // mariadb's own faults have numbers from 45000 on.
  if (typeof errno !== "number" || errno < 1000 || errno >= 45_000) return error;
  const unnamed = fault.code === undefined || fault.code === null || fault.code === "UNKNOWN";
  if (unnamed || (product !== names && isOfOne(errno)))
    Reflect.set(fault, "code", nameOf(errno, product) ?? String(errno));
  return error;
}

function nameOf(errno: number, product: Product | undefined): string | undefined {
  if (product !== undefined) return NAMES[product][errno];
  return NAMES.mysql[errno] === NAMES.mariadb[errno] ? NAMES.mysql[errno] : undefined;
}

/** By its number where that says it, else by its SQLSTATE. */
export function classOf(fault: ServerError): ErrorClass | undefined {
  const number = Number(fault.errno);
  return (
    COMMON.get(number) ??
    tablesOf(fault)
      .map((product) => OWN[product].get(number))
      .find((errorClass) => errorClass !== undefined) ??
    BY_STATE[fault.sqlState?.slice(0, 2) ?? ""]
  );
}

/** Whether the server ended the session with it: aborted, shut down, killed, gone silent. */
export function isLoss(fault: ServerError): boolean {
  const number = Number(fault.errno);
  return LOST.has(number) || tablesOf(fault).some((product) => OWN_LOST[product] === number);
}

/** Of an error whose sender is not known, both: few numbers are in either. */
function tablesOf(fault: ServerError): readonly Product[] {
  const product = senders.get(fault);
  return product === undefined ? ["mysql", "mariadb"] : [product];
}

const COMMON = new Map<number, ErrorClass>();
const OWN: Readonly<Record<Product, Map<number, ErrorClass>>> = { mysql: new Map(), mariadb: new Map() };

function enter(table: Map<number, ErrorClass>, errorClass: ErrorClass, ...numbers: number[]): void {
  for (const number of numbers) table.set(number, errorClass);
}

const meaning = (errorClass: ErrorClass, ...numbers: number[]): void => enter(COMMON, errorClass, ...numbers);

meaning(UniqueViolation, 1022, 1062, 1169, 1557, 1586, 1859);
meaning(ForeignKeyViolation, 1216, 1217, 1451, 1452, 1761, 1762);
// 1263 is a NULL for a NOT NULL column in LOAD DATA, 1364 a column left out that has no default.
meaning(NotNullViolation, 1048, 1121, 1263, 1364, 1566);
meaning(IntegrityError, 1215, 1834);
meaning(DeadlockDetected, 1213, 1614);
// 1020: MariaDB with innodb_snapshot_isolation, and Galera: the row has changed since the snapshot was taken.
meaning(SerializationFailure, 1020);
meaning(LockNotAvailable, 1205);
meaning(
  DataError,
  ...[1264, 1265, 1292, 1365, 1366, 1367, 1406, 1411, 1416, 1425, 1426, 1439, 1441, 1525, 1690],
);
meaning(
  ProgrammingError,
  ...[
    1007, 1008, 1046, 1049, 1050, 1051, 1052, 1054, 1055, 1056, 1058, 1060, 1061, 1064, 1065, 1066, 1072,
    1091,
  ],
  ...[1102, 1103, 1109, 1110, 1111, 1128, 1136, 1140, 1146, 1149, 1210, 1222, 1241, 1242, 1247, 1248, 1304],
  ...[1305, 1318, 1327, 1584, 1630],
);
meaning(NotSupportedError, 1235, 1286, 1289, 1295, 1112, 1178, 1214, 1295, 1336);
// Access denied, as MySQLdb has it; limits, locks, space, read-only servers, and what an operator did.
meaning(OperationalError, 1021, 1040, 1041, 1044, 1045, 1114, 1129, 1130, 1142, 1143, 1153, 1203, 1206, 1226);
meaning(OperationalError, 1227, 1290, 1317, 1370, 1461, 1698, 1792);
meaning(InternalError, 1030, 1031, 1033, 1034, 1035, 1036, 1105, 1180, 1815);
// SIGNAL of a stored program: what it means is known to its author alone.
meaning(DatabaseError, 1643, 1644, 1645);

enter(OWN.mysql, CheckViolation, 3819);
enter(OWN.mysql, DeadlockDetected, 3058);
// NOWAIT; MariaDB says 1205 for it.
enter(OWN.mysql, LockNotAvailable, 3572);
// max_execution_time
enter(OWN.mysql, StatementTimeout, 3024);
enter(OWN.mysql, DataError, 3140, 3141, 3156);
enter(OWN.mysql, OperationalError, 3098, 3159);

enter(OWN.mariadb, CheckViolation, 4025);
enter(OWN.mariadb, DeadlockDetected, 3058);
// max_statement_time
enter(OWN.mariadb, StatementTimeout, 1969);
enter(OWN.mariadb, DataError, 1916, 4038, 4039, 4079);
enter(OWN.mariadb, ProgrammingError, 4031, 4091, 4161, 4162);
enter(OWN.mariadb, OperationalError, 3159);

const BY_STATE: Readonly<Record<string, ErrorClass>> = {
  "08": OperationalError,
  "0A": NotSupportedError,
  "21": ProgrammingError,
  "22": DataError,
  "23": IntegrityError,
  "25": OperationalError,
  "28": OperationalError,
  "3D": ProgrammingError,
  "40": SerializationFailure,
  "42": ProgrammingError,
};

const LOST = new Set([1053, 1077, 1079, 1080, 1152, 1158, 1159, 1160, 1161, 1184]);

/** Gone silent for too long; killed. */
const OWN_LOST: Readonly<Record<Product, number>> = { mysql: 4031, mariadb: 1927 };

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
