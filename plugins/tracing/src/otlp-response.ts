import { Fields } from '@outrigger/core/otlp';

/** What a collector has refused of a request that it took otherwise; not to be sent again (the OTLP specification, "Partial Success"). */
export interface Rejected {
  readonly spans: number;
  readonly why: string;
}

/** Reads an ExportTraceServiceResponse (opentelemetry-proto, collector/trace/v1); undefined where nothing was refused, or it is none. */
export function rejectedIn(response: Uint8Array, json: boolean): Rejected | undefined {
  try {
    const rejected = json ? fromJson(response) : fromProtobuf(response);
    return rejected.spans > 0 ? rejected : undefined;
  } catch {
    // The spans were taken: the status said so.
    return undefined;
  }
}

function fromProtobuf(bytes: Uint8Array): Rejected {
  let spans = 0;
  let why = '';
  const response = new Fields(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  while (response.next()) {
    if (response.number !== 1) continue;
    const partial = response.nested();
    while (partial.next()) {
      if (partial.number === 1) spans = Number(partial.value);
      else if (partial.number === 2) why = partial.text();
    }
  }
  return { spans, why };
}

function fromJson(bytes: Uint8Array): Rejected {
  const { partialSuccess } = JSON.parse(Buffer.from(bytes).toString()) as {
    partialSuccess?: { rejectedSpans?: string | number; errorMessage?: string };
  };
  return { spans: Number(partialSuccess?.rejectedSpans ?? 0), why: String(partialSuccess?.errorMessage ?? '') };
}
