/** The fields of one protobuf message, one after the other. Reading throws a RangeError where the bytes end too early. */
export class Fields {
  number = 0;
  /** Of a field that is a number. */
  value = 0n;
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;
  // Of a field that has a length.
  #from = 0;
  #to = 0;

  constructor(bytes: Buffer, from = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = end;
  }

  /** Goes to the next field; false where there is none. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const tag = Number(this.#varint());
    this.number = tag >> 3;
    switch (tag & 7) {
      case 0:
        this.value = this.#varint();
        break;
      case 1:
        this.value = this.#bytes.readBigUInt64LE(this.#at);
        this.#at += 8;
        break;
      case 5:
        this.value = BigInt(this.#bytes.readUInt32LE(this.#at));
        this.#at += 4;
        break;
      default: {
        const length = Number(this.#varint());
        this.#from = this.#at;
        this.#to = this.#at + length;
        this.#at = this.#to;
      }
    }
    return true;
  }

  text(): string {
    return this.#bytes.toString('utf8', this.#from, this.#to);
  }

  /** The bytes of the field, or a part of them, as hexadecimal digits. */
  hex(from = 0, to = this.#to - this.#from): string {
    return this.#bytes.toString('hex', this.#from + from, this.#from + to);
  }

  nested(): Fields {
    return new Fields(this.#bytes, this.#from, this.#to);
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#at - 8);
  }

  #varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined || shift > 63n) throw new RangeError(`no number ends at byte ${this.#at}`);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }
}
