import { randomHex } from '@outrigger/core';

/** 32 random hexadecimal digits. */
export const newTraceId = (): string => randomHex(16);

/** 16 random hexadecimal digits. */
export const newSpanId = (): string => randomHex(8);
