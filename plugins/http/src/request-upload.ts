import { type BodyTransform, latin1 } from '@outrigger/core';
import { BodyPipeline } from './body-pipeline.ts';
import { chunk, LAST_CHUNK } from './chunk.ts';
import type { HttpSession } from './http-session.ts';

/**
 * What does not go up with a request's head: the rest of its body, as it comes or in chunks through transforms. It is kept as far as
 * the retry policy wants, so that the request can be sent again; an endpoint that does not keep up holds the client back.
 */
export class RequestUpload {
  /** Whether more of the body has gone up than what is kept. */
  streamed = false;
  readonly #session: HttpSession;
  #transforms: BodyTransform[] | undefined = undefined;
  #pipeline: BodyPipeline | undefined = undefined;
  /** How many bytes of the body are kept, as the policy says; asked when more comes than went up with the head. */
  #keep: number | undefined = undefined;
  /** A write was refused, and its drain has not come. */
  #full = false;

  constructor(session: HttpSession) {
    this.#session = session;
  }

  transform(transform: BodyTransform): void {
    this.#transforms ??= [];
    this.#transforms.push(transform);
  }

  /** Whether its length will be another one. */
  get transformed(): boolean {
    return this.#transforms !== undefined;
  }

  /** The head is on its way. Once per attempt. */
  begin(): void {
    if (this.#transforms === undefined || this.#pipeline !== undefined) return;
    this.streamed = true;
    this.#pipeline = this.#pipeUp(this.#transforms);
  }

  /** A piece as it came, which the body's framing has seen. */
  take(b: Buffer, from: number, to: number): void {
    const session = this.#session;
    const { done } = session.downstream.body;
    if (this.#pipeline !== undefined) {
      if (done) this.#pipeline.end();
      return;
    }
    if (to > from && !this.streamed) this.#keepPiece(b, from, to);
    if (session.upstream === null) return;
    if (to > from) this.#wentUp(session.upstream.stream.writeLent(b, from, to));
    if (done) session.requestSent = true;
  }

  drained(): void {
    if (!this.#full) return;
    this.#full = false;
    this.#wentUp(true);
    if (!this.#session.requestSent && !this.#pipeline?.waits) this.#session.downstream.flow();
  }

  /** Another attempt follows, on another connection. */
  again(): void {
    this.#full = false;
  }

  /** Nothing more goes through the transforms. */
  stop(): void {
    this.#pipeline?.stop();
  }

  /** Keeps one more piece, where the policy wants so much; else the request cannot be sent again. */
  #keepPiece(b: Buffer, from: number, to: number): void {
    const session = this.#session;
    this.#keep ??= session.engine.retry.keepBody(session);
    if (session.firstBody!.length + to - from <= this.#keep) session.firstBody += latin1(b, from, to);
    else this.streamed = true;
  }

  /** A piece has gone up; `taken`: the endpoint keeps up, and its time for an answer begins anew. */
  #wentUp(taken: boolean): void {
    const session = this.#session;
    if (!taken) {
      this.#full = true;
      session.downstream.stop();
      session.upstream!.expect('upstream-write-timeout', session.writeTimeout);
    } else if (!this.#full) session.awaitAnswer();
  }

  /** The body without its framing goes through the transforms and up as chunks. */
  #pipeUp(transforms: BodyTransform[]): BodyPipeline {
    const session = this.#session;
    const pipeline = new BodyPipeline(transforms, {
      output: (bytes) => {
        if (session.upstream !== null) this.#wentUp(session.upstream.stream.write(chunk(bytes)));
      },
      finished: () => {
        if (session.upstream === null) return;
        this.#wentUp(session.upstream.stream.write(LAST_CHUNK));
        session.requestSent = true;
      },
      failed: (error) => session.transformFailed(error),
      waiting: (waits) => {
        if (waits) session.downstream.stop();
        else if (!this.#full && !session.isOver()) session.downstream.flow();
      },
    });
    session.downstream.body.unframe((b, from, to) => pipeline.write(b, from, to));
    return pipeline;
  }
}
