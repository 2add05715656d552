/** Reads a text/event-stream piece by piece (WHATWG HTML §9.2.6): the names of events and their data. */
export class EventReader {
  readonly #onEvent: (name: string, data: string) => void;
  #rest = '';
  #name = '';
  #data: string[] = [];

  constructor(onEvent: (name: string, data: string) => void) {
    this.#onEvent = onEvent;
  }

  read(piece: string): void {
    const lines = (this.#rest + piece).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) this.#line(line.endsWith('\r') ? line.slice(0, -1) : line);
  }

  #line(line: string): void {
    if (line === '') this.#dispatch();
    else if (line.startsWith('event:')) this.#name = textFrom(line, 6);
    else if (line.startsWith('data:')) this.#data.push(textFrom(line, 5));
  }

  #dispatch(): void {
    if (this.#data.length > 0) this.#onEvent(this.#name || 'message', this.#data.join('\n'));
    this.#name = '';
    this.#data = [];
  }
}

function textFrom(line: string, from: number): string {
  return line.slice(line[from] === ' ' ? from + 1 : from);
}
