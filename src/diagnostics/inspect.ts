import type { TracedPool } from "./channels.js";

/**
 * What `console.log` shows of a pool: where it leads, and what it has. Never the connect arguments: they hold a
 * password.
 */
export function shownPool(pool: TracedPool, driver: string, max: number): string {
  const { size, idle, inUse, waiting } = pool.stats;
  const { address, port, namespace } = pool.database;
  const parts = [`name: '${pool.name}'`, `driver: '${driver}'`];
  if (address !== undefined) parts.push(`host: '${address}${port === undefined ? "" : `:${port}`}'`);
  if (namespace !== undefined) parts.push(`database: '${namespace}'`);
  parts.push(`max: ${max}, size: ${size}, idle: ${idle}, inUse: ${inUse}, waiting: ${waiting}`);
  if (pool.closed) parts.push("closed: true");
  return `ConnectionPool { ${parts.join(", ")} }`;
}
