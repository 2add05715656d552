// How figures are written. `–` stands for what there is not.

const NONE = '–';

type Figure = number | null | undefined;

/** Few digits, so that a column stays narrow: 0.04, 1.3, 12.4, 124, 12,400. */
export function number(value: Figure): string {
  if (value == null) return NONE;
  const size = Math.abs(value);
  const digits = Number.isInteger(value) || size >= 100 ? 0 : size >= 1 ? 1 : 2;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Per second: `12.4/s`. */
export function rate(value: Figure): string {
  return value == null ? NONE : `${value === 0 ? '0' : number(value)}/s`;
}

/** A ratio from 0 to 1. 100% means every one of them: what is less is never rounded up to it. */
export function percent(ratio: Figure): string {
  if (ratio == null) return NONE;
  if (ratio === 1 || ratio === 0) return `${ratio * 100}%`;
  const share = ratio * 100;
  if (share >= 99.99) return '>99.99%';
  const digits = share >= 99 ? 2 : 1;
  return `${Math.floor(share * 10 ** digits) / 10 ** digits}%`;
}

/** How long something took, in seconds: `840 µs`, `1.2 ms`, `340 ms`, `2.5 s`. */
export function latency(seconds: Figure): string {
  if (seconds == null) return NONE;
  if (seconds === 0) return '0 ms';
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 1) return `${number(seconds * 1_000)} ms`;
  return seconds < 100 ? `${number(seconds)} s` : duration(seconds);
}

/** How long something lasts, in whole units, the two largest: `8 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`. */
export function duration(seconds: Figure): string {
  if (seconds == null) return NONE;
  const whole = Math.max(0, Math.floor(seconds));
  const units = [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
    ['s', 1],
  ] as const;
  const first = units.findIndex(([, size]) => whole >= size);
  if (first < 0) return '0 s';
  let rest = whole;
  const words = units.slice(first, first + 2).map(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count > 0 ? `${count} ${unit}` : '';
  });
  return words.filter((word) => word !== '').join(' ');
}

/** `512 B`, `1.5 KiB`, `20 MiB`. */
export function bytes(size: Figure): string {
  if (size == null) return NONE;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = size;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit++;
  }
  return `${unit === 0 ? value : number(value)} ${units[unit]}`;
}

/** The time of day at this machine, from an ISO time or milliseconds: `17:03:22`. */
export function timeOfDay(at: string | number): string {
  return new Date(at).toLocaleTimeString('en-GB');
}

/** `1 session`, `2 sessions`. */
export function count(value: number, noun: string): string {
  return `${number(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** A value of a configuration or an attribute on one line. */
export function plain(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? NONE);
}
