/** What this project uses of the rasteriser. */
export declare class Resvg {
  constructor(svg: string, options: {
    fitTo: { mode: "original" } | { mode: "zoom"; value: number } | { mode: "width"; value: number };
    background?: string;
    font: { fontBuffers: Uint8Array[]; loadSystemFonts: boolean; defaultFontFamily: string; sansSerifFamily: string };
  });
  readonly width: number;
  readonly height: number;
  render(): {
    asPng(): Uint8Array;
    /** RGBA, a copy. */
    readonly pixels: Uint8Array;
    readonly width: number;
    readonly height: number;
    free(): void;
  };
  free(): void;
}

/** Resolves when `Resvg` may be used. */
export declare function startResvg(): Promise<void>;
