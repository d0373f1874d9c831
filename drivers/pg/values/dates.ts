/**
 * Dates as params: the package drops the seconds of an offset, which zones had until their time was made a whole number
 * of minutes.
 */
import type { PrepareValue } from "./codec.js";

/** Since then all zones are whole minutes from UTC; Liberia was the last. */
const WHOLE_MINUTES = Date.UTC(1972, 4, 2);
const MINUTE = 60_000;

/** What pg's `defaults` say of dates. */
export interface DateDefaults {
  readonly parseInputDatesAsUTC?: boolean | undefined;
}

/** The package's encoder, with dates of that time as they are. */
export function withExactDates(prepareValue: PrepareValue, defaults: DateDefaults): PrepareValue {
  return (value) => {
    const local = value instanceof Date && !defaults.parseInputDatesAsUTC ? localText(value) : undefined;
    return prepareValue(local ?? value);
  };
}

/** Undefined where the package gets it right. */
function localText(date: Date): string | undefined {
  if (date.getTime() >= WHOLE_MINUTES) return undefined;
  const offset = localAsUtc(date) - date.getTime();
  if (offset % MINUTE === 0) return undefined;
  const seconds = Math.abs(Math.round(offset / 1000));
  const year = date.getFullYear();
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  const zone = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(":");
  // There is no year 0: the one before 1 is 1 BC.
  const shown = String(year < 1 ? 1 - year : year).padStart(4, "0");
  const day = `${shown}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const millis = String(date.getMilliseconds()).padStart(3, "0");
  return `${day}T${time}.${millis}${offset < 0 ? "-" : "+"}${zone}${year < 1 ? " BC" : ""}`;
}

/** The moment at which a clock in UTC shows what the local one shows now. */
function localAsUtc(date: Date): number {
  const clock = new Date(0);
  clock.setUTCFullYear(date.getFullYear(), date.getMonth(), date.getDate());
  return clock.setUTCHours(date.getHours(), date.getMinutes(), date.getSeconds(), date.getMilliseconds());
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}
