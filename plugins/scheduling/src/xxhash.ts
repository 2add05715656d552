import load from 'xxhash-wasm';

const { h32 } = await load();

/** xxHash (XXH32) of a text's UTF-8: 0 to 2³² − 1. */
export const xxhash: (text: string, seed?: number) => number = h32;
