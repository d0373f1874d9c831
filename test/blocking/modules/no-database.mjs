// Exports nothing that a database would.
export const answer = 42;
