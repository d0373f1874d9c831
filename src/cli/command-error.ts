/** A mistake in how the command was called: its message is all that the user needs, without a stack. */
export class CommandError extends Error {}
