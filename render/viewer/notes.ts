/**
 * Favourites and notes: kept in the browser, one store a run, exported and imported as JSON.
 * @module
 */
/// <reference lib="dom" />
import type { NoteLookup } from "./list_latents.ts";

/** Longest note that is kept, in UTF-16 units. */
const MAX_NOTE = 10_000;

/** What is written on one latent. */
interface Note {
  readonly favourite: boolean;
  readonly text: string;
}

/** The exported file. */
interface NotesFile {
  readonly format: "saev-viewer-notes";
  readonly version: 1;
  readonly run: string;
  readonly latents: Readonly<Record<string, { favourite?: boolean; note?: string }>>;
}

/** Favourites and notes of one run. */
export class Notes implements NoteLookup {
  readonly #run: string;
  readonly #key: string;
  readonly #storage: Pick<Storage, "getItem" | "setItem"> | undefined;
  #notes = new Map<number, Note>();

  /** Reads what was kept; without storage (some browsers refuse it) notes live as long as the page. */
  constructor(run: string, storage?: Pick<Storage, "getItem" | "setItem">) {
    this.#run = run;
    this.#key = `saev-viewer:${run}`;
    this.#storage = storage;
    try {
      const kept = storage?.getItem(this.#key);
      if (kept) this.#notes = parseNotes(kept);
    } catch {
      // Damaged or refused: start empty; nothing is overwritten before the reader writes something.
    }
  }

  /** The note on a latent. */
  note(latent: number): string {
    return this.#notes.get(latent)?.text ?? "";
  }

  /** Whether a latent is a favourite. */
  isFavourite(latent: number): boolean {
    return this.#notes.get(latent)?.favourite ?? false;
  }

  /** How many latents are favourites. */
  get favourites(): number {
    return [...this.#notes.values()].filter(({ favourite }) => favourite).length;
  }

  /** How many latents have a favourite mark or a note. */
  get size(): number {
    return this.#notes.size;
  }

  /** Makes a latent a favourite, or no longer. */
  toggle(latent: number): boolean {
    const favourite = !this.isFavourite(latent);
    this.#set(latent, { favourite, text: this.note(latent) });
    return favourite;
  }

  /** Writes a note. */
  write(latent: number, text: string): void {
    this.#set(latent, { favourite: this.isFavourite(latent), text: text.slice(0, MAX_NOTE) });
  }

  #set(latent: number, note: Note): void {
    if (note.favourite || note.text !== "") this.#notes.set(latent, note);
    else this.#notes.delete(latent);
    this.#keep();
  }

  #keep(): void {
    try {
      this.#storage?.setItem(this.#key, this.toJson());
    } catch {
      // Full or refused: the notes are still here to be exported.
    }
  }

  /** All notes as a file. */
  toJson(): string {
    const latents = [...this.#notes].sort(([a], [b]) => a - b).map(([latent, { favourite, text }]) => [
      latent,
      { ...(favourite ? { favourite } : {}), ...(text === "" ? {} : { note: text }) },
    ]);
    const file: NotesFile = {
      format: "saev-viewer-notes",
      version: 1,
      run: this.#run,
      latents: Object.fromEntries(latents),
    };
    return JSON.stringify(file, null, 1) + "\n";
  }

  /**
   * Takes a file in: its notes replace those on the same latents, favourites add up.
   *
   * @returns How many latents it spoke of.
   * @throws {SyntaxError} If it is no such file.
   */
  merge(json: string): number {
    const found = parseNotes(json);
    for (const [latent, { favourite, text }] of found) {
      this.#notes.set(latent, {
        favourite: favourite || this.isFavourite(latent),
        text: text === "" ? this.note(latent) : text,
      });
    }
    this.#keep();
    return found.size;
  }
}

/** Reads an exported file; whatever it holds beyond marks and notes is ignored. */
function parseNotes(json: string): Map<number, Note> {
  const file = JSON.parse(json) as Partial<NotesFile> | null;
  if (file === null || typeof file !== "object" || file.format !== "saev-viewer-notes" || file.version !== 1) {
    throw new SyntaxError("This is not a file of notes from this viewer");
  }
  const notes = new Map<number, Note>();
  for (const [key, value] of Object.entries(file.latents ?? {})) {
    if (!/^\d{1,9}$/.test(key) || typeof value !== "object" || value === null) continue;
    const text = typeof value.note === "string" ? value.note.slice(0, MAX_NOTE) : "";
    const favourite = value.favourite === true;
    if (favourite || text !== "") notes.set(Number(key), { favourite, text });
  }
  return notes;
}
