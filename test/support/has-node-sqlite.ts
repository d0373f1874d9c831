/** Whether this Node.js has a node:sqlite that the driver takes. */
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

export const hasNodeSqlite = major > 24 || (major === 24 && minor >= 16);
