/** Services that start and stop together, after `twisted.application.service`. Usable without any database. */
export { MultiService } from "./service/multi-service.js";
export { type PoolServiceOptions, poolService, type ServiceablePool } from "./service/pool-service.js";
export { type RunServiceOptions, runService } from "./service/run-service.js";
export { type Pending, Service, type Startable } from "./service/service.js";
