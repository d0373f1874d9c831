import type { ConnectionPool } from "adbapi";

export type PoolOptions = NonNullable<ConstructorParameters<typeof ConnectionPool>[2]>;
