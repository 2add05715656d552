import { FieldLine, randomTexts } from '@outrigger/core';

const TRACE_ID = '#'.repeat(32);
const SPAN_ID = '#'.repeat(16);

/** 32 random hexadecimal digits. */
export const newTraceId = randomTexts(TRACE_ID);

/** 16 random hexadecimal digits. */
export const newSpanId = randomTexts(SPAN_ID);

/** The `traceparent` (version 00) of a trace that begins here, with a trace id and a span id of its own, and is not sampled. */
export const newTraceparent = FieldLine.random('traceparent', `00-${TRACE_ID}-${SPAN_ID}-00`);
