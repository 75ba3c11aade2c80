/**
 * A pickle reader that can build plain data and nothing else.
 *
 * It never looks up a name: which globals exist, what calling one means, and what a persistent id stands for is decided
 * by the {@linkcode PickleHost}. Opcodes that plain data never needs (`INST`, `OBJ`, `EXT1` …) are refused; `NEWOBJ` makes
 * nothing but a bag of fields, of classes the host lists.
 * @module
 */
import { TorchFileError, UnsafePickleError } from "../compute/errors.ts";
import { PickleCursor } from "./_pickle_cursor.ts";

/** More steps than this means a file built to waste time: a state dict of 10,000 tensors needs under half a million. */
const MAX_STEPS = 10_000_000;
/** Lists, dictionaries and marks take one byte in a pickle and a hundred in memory: a state dict of 10,000 tensors has 60,000. */
const MAX_CONTAINERS = 1 << 20;
/** A byte of text that a call copies costs this part of a step, and an item of a list a whole one. */
const TEXT_PER_STEP = 8;

/** A global the host let through: a name, and what calling it does if it can be called. */
export class PickleGlobal {
  /** `module.name`. */
  readonly symbol: string;
  /** Gives the value of a call, checked by the host; undefined for a name that may only be mentioned. */
  readonly call: ((args: readonly unknown[]) => unknown) | undefined;
  /** Whatever the host wants to know about it later. */
  readonly tag: string | undefined;
  /** Whether it is a class whose objects are read as their fields and nothing else. */
  readonly isRecord: boolean;
  /** Made by a host. */
  constructor(symbol: string, call?: (args: readonly unknown[]) => unknown, tag?: string, isRecord = false) {
    this.symbol = symbol;
    this.call = call;
    this.tag = tag;
    this.isRecord = isRecord;
  }
}

/** An object of a class that the host lets through as a record: its fields by name. */
class PickleRecord extends Map<unknown, unknown> {}

/** What decides about everything in a pickle that is not plain data. */
export interface PickleHost {
  /** Names the file in errors. */
  readonly path: string;
  /** The value of a global; throws {@linkcode UnsafePickleError} for any not on its list. */
  global(symbol: string): unknown;
  /** The value of a persistent id. */
  persistent(id: unknown): unknown;
}

/** A value and where the pickle that made it ended. */
export interface Unpickled {
  /** dict: `Map`, list and tuple: `Array`, None: `null`, int: `number`, or `bigint` past 2^53. */
  readonly value: unknown;
  /** Offset just past the STOP opcode. */
  readonly end: number;
}

/**
 * Reads one pickle of protocol 2 … 5 from `bytes`, from `start` on.
 *
 * Source: CPython's Lib/pickletools.py for the opcodes.
 *
 * @throws {UnsafePickleError} If it names a global the host refuses, calls what may not be called, or uses an opcode
 *   outside of plain data.
 * @throws {TorchFileError} If it ends early, is malformed, takes more than 10,000,000 steps, or makes more than a million
 *   lists and dictionaries.
 *
 * @example
 * ```ts
 * import { unpickle } from "./unpickle.ts";
 * const refuse = (): never => { throw new Error("refused") };
 * const bytes = new Uint8Array([0x80, 2, 0x4b, 7, 0x2e]); // PROTO 2, BININT1 7, STOP
 * console.assert(unpickle(bytes, { path: "seven", global: refuse, persistent: refuse }).value === 7);
 * ```
 */
export function unpickle(bytes: Uint8Array, host: PickleHost, start = 0): Unpickled {
  return new Reader(bytes, host, start).run();
}

class Reader {
  readonly #in: PickleCursor;
  readonly #host: PickleHost;
  #stack: unknown[] = [];
  readonly #marks: unknown[][] = [];
  readonly #memo = new Map<number, unknown>();
  #steps = 0;
  #containers = 0;

  constructor(bytes: Uint8Array, host: PickleHost, start: number) {
    this.#in = new PickleCursor(bytes, start, (what) => this.#damaged(what));
    this.#host = host;
  }

  run(): Unpickled {
    for (;;) {
      this.#spend(1);
      const opcode = this.#in.u8();
      if (opcode === 0x2e) {
        const value = this.#pop();
        return { value, end: this.#in.position };
      }
      this.#step(opcode);
    }
  }

  #spend(steps: number): void {
    this.#steps += steps;
    if (this.#steps > MAX_STEPS) this.#damaged(`it takes more than ${MAX_STEPS} steps`);
  }

  /** A value may be recalled any number of times, so what calls copy of it has to be counted, not only read. */
  #spendOn(args: readonly unknown[]): void {
    for (const arg of args) {
      if (Array.isArray(arg)) this.#spend(arg.length);
      else if (typeof arg === "string") this.#spend(Math.ceil(arg.length / TEXT_PER_STEP));
    }
  }

  #contain<T extends object>(container: T): T {
    if (++this.#containers > MAX_CONTAINERS) {
      this.#damaged(`it makes more than ${MAX_CONTAINERS} lists and dictionaries`);
    }
    return container;
  }

  #step(opcode: number): void {
    switch (opcode) {
      case 0x80: { // PROTO
        const protocol = this.#in.u8();
        if (protocol < 2 || protocol > 5) this.#damaged(`it is of protocol ${protocol}, and 2 to 5 are read`);
        return;
      }
      case 0x95: // FRAME: only a hint for buffered readers
        this.#in.skip(8);
        return;
      case 0x28: // MARK
        this.#marks.push(this.#stack);
        this.#stack = this.#contain([]);
        return;
      case 0x30: // POP
        this.#pop();
        return;
      case 0x4e: // NONE
        return this.#push(null);
      case 0x88: // NEWTRUE
        return this.#push(true);
      case 0x89: // NEWFALSE
        return this.#push(false);
      case 0x4a: // BININT
        return this.#push(this.#in.i32());
      case 0x4b: // BININT1
        return this.#push(this.#in.u8());
      case 0x4d: // BININT2
        return this.#push(this.#in.u16());
      case 0x8a: // LONG1
        return this.#push(this.#in.integer(this.#in.u8()));
      case 0x8b: // LONG4
        return this.#push(this.#in.integer(this.#in.u32()));
      case 0x47: // BINFLOAT
        return this.#push(this.#in.f64());
      case 0x8c: // SHORT_BINUNICODE
        return this.#push(this.#in.text(this.#in.u8()));
      case 0x58: // BINUNICODE
        return this.#push(this.#in.text(this.#in.u32()));
      case 0x8d: // BINUNICODE8
        return this.#push(this.#in.text(this.#in.u64()));
      case 0x43: // SHORT_BINBYTES
        return this.#push(this.#in.slice(this.#in.u8()));
      case 0x42: // BINBYTES
        return this.#push(this.#in.slice(this.#in.u32()));
      case 0x8e: // BINBYTES8
        return this.#push(this.#in.slice(this.#in.u64()));
      case 0x5d: // EMPTY_LIST
        return this.#push(this.#contain([]));
      case 0x7d: // EMPTY_DICT
        return this.#push(this.#contain(new Map()));
      case 0x29: // EMPTY_TUPLE
        return this.#push(this.#contain([]));
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return this.#push(this.#contain(this.#popMany(opcode - 0x84)));
      case 0x74: // TUPLE
        return this.#push(this.#popMark());
      case 0x61: { // APPEND
        const value = this.#pop();
        this.#list().push(value);
        return;
      }
      case 0x65: { // APPENDS
        const values = this.#popMark();
        const list = this.#list();
        for (const value of values) list.push(value);
        return;
      }
      case 0x73: { // SETITEM
        const [key, value] = this.#popMany(2);
        this.#dict().set(key, value);
        return;
      }
      case 0x75: { // SETITEMS
        const pairs = this.#popMark();
        if (pairs.length % 2 !== 0) this.#damaged("a dictionary has a key without a value");
        const dict = this.#dict();
        for (let i = 0; i < pairs.length; i += 2) dict.set(pairs[i], pairs[i + 1]);
        return;
      }
      case 0x71: // BINPUT
        this.#memo.set(this.#in.u8(), this.#top());
        return;
      case 0x72: // LONG_BINPUT
        this.#memo.set(this.#in.u32(), this.#top());
        return;
      case 0x94: // MEMOIZE
        this.#memo.set(this.#memo.size, this.#top());
        return;
      case 0x68: // BINGET
        return this.#push(this.#recall(this.#in.u8()));
      case 0x6a: // LONG_BINGET
        return this.#push(this.#recall(this.#in.u32()));
      case 0x63: { // GLOBAL
        const module = this.#in.line();
        return this.#push(this.#host.global(`${module}.${this.#in.line()}`));
      }
      case 0x93: { // STACK_GLOBAL
        const [module, name] = this.#popMany(2);
        if (typeof module !== "string" || typeof name !== "string") this.#damaged("a global's name is not a string");
        return this.#push(this.#host.global(`${module}.${name}`));
      }
      case 0x51: // BINPERSID
        return this.#push(this.#host.persistent(this.#pop()));
      case 0x52: { // REDUCE
        const [callee, args] = this.#popMany(2);
        if (!(callee instanceof PickleGlobal) || callee.call === undefined) {
          const symbol = callee instanceof PickleGlobal ? callee.symbol : "a plain value";
          return this.#refuse(symbol, `it calls ${symbol}`);
        }
        if (!Array.isArray(args)) return this.#damaged(`the arguments of ${callee.symbol} are not a tuple`);
        this.#spendOn(args);
        return this.#push(callee.call(this.#contain(args)));
      }
      case 0x81: { // NEWOBJ
        const [callee, args] = this.#popMany(2);
        if (callee instanceof PickleGlobal && callee.isRecord && Array.isArray(args) && args.length === 0) {
          return this.#push(new PickleRecord());
        }
        const made = callee instanceof PickleGlobal ? callee.symbol : "a plain value";
        return this.#refuse("opcode 0x81", `it makes an object of ${made} (NEWOBJ)`);
      }
      case 0x62: { // BUILD
        // A module's state dict carries its version numbers as an attribute (`_metadata`); only records keep any.
        const state = this.#pop();
        const target = this.#top();
        if (target instanceof PickleRecord && state instanceof Map) {
          for (const [field, value] of state) target.set(field, value);
          return;
        }
        if (target instanceof Map && state instanceof Map) return;
        return this.#refuse("BUILD", "it sets attributes of an object (BUILD)");
      }
    }
    const symbol = `opcode 0x${opcode.toString(16).padStart(2, "0")}`;
    this.#refuse(symbol, `it uses ${symbol} at byte ${this.#in.position - 1}`);
  }

  #push(value: unknown): void {
    this.#stack.push(value);
  }

  #pop(): unknown {
    if (this.#stack.length === 0) this.#damaged("it takes a value from an empty stack");
    return this.#stack.pop();
  }

  #popMany(count: number): unknown[] {
    if (this.#stack.length < count) this.#damaged("it takes a value from an empty stack");
    return this.#stack.splice(this.#stack.length - count, count);
  }

  #popMark(): unknown[] {
    const values = this.#stack;
    this.#stack = this.#marks.pop() ?? this.#damaged("it goes back to a mark that was never set");
    return values;
  }

  #top(): unknown {
    if (this.#stack.length === 0) this.#damaged("it takes a value from an empty stack");
    return this.#stack[this.#stack.length - 1];
  }

  #list(): unknown[] {
    const top = this.#top();
    return Array.isArray(top) ? top : this.#damaged("it appends to what is not a list");
  }

  #dict(): Map<unknown, unknown> {
    const top = this.#top();
    return top instanceof Map ? top : this.#damaged("it sets an item of what is not a dictionary");
  }

  #recall(index: number): unknown {
    if (!this.#memo.has(index)) this.#damaged(`it recalls value ${index}, which was never kept`);
    return this.#memo.get(index);
  }

  #damaged(what: string): never {
    const { path } = this.#host;
    throw new TorchFileError(`Cannot read the pickle of ${path}: ${what}`, { path });
  }

  #refuse(symbol: string, what: string): never {
    const { path } = this.#host;
    throw new UnsafePickleError(
      `Refused to read ${path}: ${what}, which a file of tensors never needs; nothing was executed`,
      { path, symbol },
    );
  }
}
