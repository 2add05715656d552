import load from 'xxhash-wasm';

const { h64 } = await load();

/** xxHash (XXH64, which Envoy's ring and Maglev tables use) of a text's UTF-8: 0 to 2⁶⁴ − 1. */
export const xxhash: (text: string, seed?: bigint) => bigint = h64;
