/** Time zones that the packages would take for another one. */
import { InterfaceError } from "../../../src/errors/classes.js";

/** From -13:59 to +14:00, as the servers have it. */
export function isOffset(zone: string): boolean {
  const [, sign, hours, minutes] = /^([+-])(\d\d):([0-5]\d)$/.exec(zone) ?? [];
  if (sign === undefined) return false;
  const distance = Number(hours) * 60 + Number(minutes);
  return sign === "+" ? distance <= 14 * 60 : distance < 14 * 60;
}

/** A name that is in the time zone database of Node.js. */
export function isZoneName(zone: string): boolean {
  try {
    return !/^[+-]/.test(zone) && new Intl.DateTimeFormat("en", { timeZone: zone }) !== undefined;
  } catch {
    return false;
  }
}

export function unknownZone(driver: string, known: string): InterfaceError {
  return new InterfaceError(`${driver}: the connect argument "timezone" must be ${known}`);
}
