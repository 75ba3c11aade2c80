/**
 * Looks over an Arrow message before the library decodes it.
 *
 * Messages are flatbuffers, which the library reads without checks: a vector that claims 2^32 items is looped over, a
 * schema whose fields are each other's children is never left. Only what loops depend on is checked here.
 *
 * Source: FlatBuffers' "Internals"; Apache Arrow's `Message.fbs` and `Schema.fbs` for the numbers of the fields.
 * @module
 */

/** More fields than any picture table has; a field that is listed twice counts twice. */
const MAX_FIELDS = 4096;
const MAX_DEPTH = 32;
/** Values of `MessageHeader`. */
const [SCHEMA, DICTIONARY_BATCH, RECORD_BATCH] = [1, 2, 3];
/** Value of `Type`. */
const UNION = 14;
/** Bytes of a `FieldNode` and of a `Buffer`. */
const STRUCT_BYTES = 16;

/**
 * Checks one message's metadata.
 *
 * @throws {Error} If a table or vector leaves the message, or there are more fields than there can be.
 */
export function checkArrowMessage(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const message = new FlatTable(view, offsetAt(view, 0));
  const kind = message.u8(1);
  const header = message.table(2);
  message.vector(4, 4);
  if (header === undefined) return;
  if (kind === SCHEMA) checkSchema(header);
  else if (kind === RECORD_BATCH) checkBatch(header);
  else if (kind === DICTIONARY_BATCH) {
    const data = header.table(1);
    if (data !== undefined) checkBatch(data);
  }
}

function checkBatch(batch: FlatTable): void {
  batch.vector(1, STRUCT_BYTES);
  batch.vector(2, STRUCT_BYTES);
  batch.table(3);
  batch.vector(4, 8);
}

function checkSchema(schema: FlatTable): void {
  let left = MAX_FIELDS;
  const walk = (tables: readonly FlatTable[], depth: number): void => {
    left -= tables.length;
    if (left < 0 || depth > MAX_DEPTH) throw new Error("its schema has too many fields");
    for (const field of tables) {
      field.vector(0, 1);
      // Only a union's type holds a list, of its children's numbers.
      if (field.u8(2) === UNION) field.table(3)?.vector(1, 4);
      field.table(4)?.table(1);
      checkPairs(field.tables(6));
      walk(field.tables(5), depth + 1);
    }
  };
  walk(schema.tables(1), 0);
  checkPairs(schema.tables(2));
}

/** Key and value are strings. */
function checkPairs(pairs: readonly FlatTable[]): void {
  if (pairs.length > MAX_FIELDS) throw new Error("its schema has too much metadata");
  for (const pair of pairs) {
    pair.vector(0, 1);
    pair.vector(1, 1);
  }
}

/** A table: its vtable says where each field is, 0 for none. */
class FlatTable {
  readonly #view: DataView;
  readonly #at: number;
  readonly #vtable: number;
  readonly #vtableBytes: number;

  constructor(view: DataView, at: number) {
    this.#view = view;
    this.#at = at;
    this.#vtable = at - within(view, at, 4).getInt32(at, true);
    this.#vtableBytes = within(view, this.#vtable, 4).getUint16(this.#vtable, true);
    within(view, this.#vtable, this.#vtableBytes);
  }

  #place(field: number): number | undefined {
    const entry = 4 + 2 * field;
    if (entry + 2 > this.#vtableBytes) return undefined;
    const offset = this.#view.getUint16(this.#vtable + entry, true);
    return offset === 0 ? undefined : this.#at + offset;
  }

  u8(field: number): number {
    const place = this.#place(field);
    return place === undefined ? 0 : within(this.#view, place, 1).getUint8(place);
  }

  table(field: number): FlatTable | undefined {
    const place = this.#place(field);
    return place === undefined ? undefined : new FlatTable(this.#view, place + offsetAt(this.#view, place));
  }

  /** Where a vector's items begin and how many there are, all of them within the message. */
  vector(field: number, itemBytes: number): { at: number; length: number } {
    const place = this.#place(field);
    if (place === undefined) return { at: 0, length: 0 };
    const at = place + offsetAt(this.#view, place);
    const length = within(this.#view, at, 4).getUint32(at, true);
    within(this.#view, at + 4, length * itemBytes);
    return { at: at + 4, length };
  }

  tables(field: number): FlatTable[] {
    const { at, length } = this.vector(field, 4);
    if (length > MAX_FIELDS) throw new Error("its schema has too many fields");
    return Array.from(
      { length },
      (_, i) => new FlatTable(this.#view, at + 4 * i + offsetAt(this.#view, at + 4 * i)),
    );
  }
}

function offsetAt(view: DataView, at: number): number {
  return within(view, at, 4).getUint32(at, true);
}

function within(view: DataView, at: number, bytes: number): DataView {
  if (!(at >= 0 && at + bytes <= view.byteLength)) throw new Error(`its message metadata is damaged at byte ${at}`);
  return view;
}
