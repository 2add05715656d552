import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import * as ws from 'ws';

/** The parts of ws that it exports and its type definitions do not tell of. */
export interface ExtensionParameters {
  [name: string]: unknown;
}

export interface PerMessageDeflate {
  params: ExtensionParameters | null;
  accept(configurations: ExtensionParameters[]): ExtensionParameters;
  cleanup(): void;
}

/** Emits `message`, `ping`, `pong`, `conclude` and `error`. */
export type Receiver = Writable;

export interface Sender {
  send(
    data: Buffer,
    options: { binary: boolean; compress: boolean; fin: boolean; mask: boolean },
    done: () => void,
  ): void;
  ping(data: Buffer, mask: boolean): void;
  pong(data: Buffer, mask: boolean): void;
  close(code: number | undefined, reason: Buffer, mask: boolean, done: () => void): void;
}

interface Parts {
  readonly extension: {
    /** Throws a SyntaxError. */
    parse(header: string): Record<string, ExtensionParameters[]>;
    format(extensions: Record<string, ExtensionParameters[]>): string;
  };
  readonly PerMessageDeflate: {
    readonly extensionName: string;
    new (options: { isServer: boolean; maxPayload: number }): PerMessageDeflate;
  };
  readonly Receiver: new (options: {
    isServer: boolean;
    maxPayload: number;
    maxFragments: number;
    maxBufferedChunks: number;
    extensions: Record<string, PerMessageDeflate>;
  }) => Receiver;
  readonly Sender: new (socket: Socket, extensions: Record<string, PerMessageDeflate>) => Sender;
}

export const { extension, PerMessageDeflate, Receiver, Sender } = ws as unknown as Parts;
