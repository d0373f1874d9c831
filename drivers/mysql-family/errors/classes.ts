/**
 * The numbers of the servers' errors, and their classes in PEP 249's tree.
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
} from "../../../src/errors/classes.js";
import { type Product, productsOf } from "./sender.js";
import type { ServerError } from "./server-error.js";

type ErrorClass = new (message: string, details?: ErrorDetails) => AdbapiError;

/** By its number where that says it, else by its SQLSTATE. */
export function classOf(fault: ServerError): ErrorClass | undefined {
  const number = Number(fault.errno);
  return (
    COMMON.get(number) ??
    productsOf(fault)
      .map((product) => OWN[product].get(number))
      .find((errorClass) => errorClass !== undefined) ??
    BY_STATE[fault.sqlState?.slice(0, 2) ?? ""]
  );
}

/** Whether the server ended the session with it: aborted, shut down, killed, gone silent. */
export function isLoss(fault: ServerError): boolean {
  const number = Number(fault.errno);
  return LOST.has(number) || productsOf(fault).some((product) => OWN_LOST[product] === number);
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
