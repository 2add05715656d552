import type { LogLevel } from '@outrigger/core';

export async function demo(_level: LogLevel): Promise<number> {
  return 0;
}
