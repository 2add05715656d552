import type { Cause } from './cause.ts';

/** Where a {@link ByteStream} delivers what it reads. The calls come in this order, `closed` last and exactly once. */
export interface ByteSink {
  /** Bytes `from` (inclusive) to `to` (exclusive) of `buffer`, lent for the length of this call: copy what you keep. */
  bytes(buffer: Buffer, from: number, to: number): void;
  /** The peer sends nothing more (TCP FIN, TLS close_notify). At most once; writing may still work. */
  end(): void;
  /** The stream broke. At most once; nothing can be written any more. */
  error(error: Error): void;
  /** The stream is gone, whoever ended it. Exactly once, and nothing follows. */
  closed(): void;
}

/**
 * Bytes in and out, whatever carries them: TCP, a Unix-domain socket, TLS.
 *
 * Nothing is delivered before {@link read} names a sink. The stream keeps at most one read's worth of bytes (64 KiB)
 * to itself; who does not want more says {@link pause}.
 */
export interface ByteStream {
  /** Names who gets what arrives, and starts reading. A second call replaces the sink without losing a byte. */
  read(sink: ByteSink): void;
  /**
   * Queues `data`; a string is latin1. What is small goes out at the end of the event loop's turn, in order with the rest. The stream owns a buffer from here on. Returns false once more than its high
   * water mark is waiting: send nothing more until {@link onDrain} calls. After the stream is gone it is a no-op.
   */
  write(data: Buffer | string): boolean;
  /**
   * As {@link write}, for bytes that are only lent (those of a `bytes` call): it copies what it cannot send at once. A `head`,
   * latin1, goes out in front of them, in the same write.
   */
  writeLent(buffer: Buffer, from: number, to: number, head?: string): boolean;
  /** Sets the one function that is called each time the queue has emptied after a write returned false. */
  onDrain(listener: (() => void) | undefined): void;
  /** Stops delivery; the kernel's window then slows the peer down. What was read in the current call is still delivered. */
  pause(): void;
  resume(): void;
  /** Sends what is queued, then a FIN. Reading goes on until the peer's own end. */
  end(): void;
  /**
   * Closes both directions at once where everything that was written is out, and says whether it did: for a peer that has
   * said all and expects no more. What it sends nevertheless is answered with a reset, so that it may lose what it has not read.
   */
  closeWhenSent(): boolean;
  /** Ends both directions at once and throws away what the kernel does not take at once. */
  destroy(cause: Cause): void;
  /** As {@link destroy}, and the peer learns it: a reset, so that it cannot take what it has for the whole. */
  reset(cause: Cause): void;
  /** From here on the kernel probes the peer after `idleMs` of silence, and breaks the stream where nobody answers (TCP keepalive). */
  keepAlive(idleMs: number): void;
  /** Bytes that were written and that the kernel has not taken yet. */
  readonly buffered: number;
  /** Bytes that the kernel has taken so far; it tells a slow reader from one that does not read. */
  readonly sent: number;
  /** True once the stream can carry no more bytes. */
  readonly destroyed: boolean;
}
